import type { components } from "./schema";

type Schemas = components["schemas"];

export type User = Schemas["User"];
export type Session = Schemas["Session"];
export type Credentials = Schemas["Credentials"];
export type Server = Schemas["Server"];
export type ServerStatus = Schemas["Server"]["status"];
export type ServerPage = Schemas["ServerPage"];
export type ServerCreate = Schemas["ServerCreate"];
export type Operation = Schemas["Operation"];
export type OperationStep = Schemas["OperationStep"];
export type Problem = Schemas["Problem"];
export type Plan = Schemas["Plan"];
export type Image = Schemas["Image"];
export type Location = Schemas["Location"];
export type HistoryEntry = Schemas["HistoryEntry"];
export type ServerAction = Schemas["ServerAction"];
export type Snapshot = Schemas["Snapshot"];
export type Backup = Schemas["Backup"];
/** What is kept of a server's disk, beside it or away from it. */
export type DiskCopy = Snapshot | Backup;
export type ServerChange = Schemas["ServerChange"];
export type Cluster = Schemas["Cluster"];
export type Drift = Schemas["Drift"];
export type ImportRun = Schemas["ImportRun"];
export type ImportRunReport = Schemas["ImportRunReport"];
export type AddressHistory = Schemas["AddressHistory"];
export type Metrics = Schemas["Metrics"];
export type UserChange = Schemas["UserChange"];
export type OpenSession = Schemas["OpenSession"];
export type TwoFactorOffer = Schemas["TwoFactorOffer"];
export type ApiToken = Schemas["ApiToken"];
export type ApiTokenCreate = Schemas["ApiTokenCreate"];
export type SshKey = Schemas["SshKey"];
export type SshKeyCreate = Schemas["SshKeyCreate"];
export type Measurement = Schemas["Measurement"];
