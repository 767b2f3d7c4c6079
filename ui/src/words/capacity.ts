import { memory } from "@/lib/bytes";

const figure = (n: number) => n.toLocaleString();

/** What staff reads of how full everything is. */
export const capacityWords = {
  title: "Capacity",
  nodes: "Nodes",
  noNodes: "Nothing is promised of any node yet.",
  memory: "Memory",
  cores: "Cores",
  coresUnseen: "Cores are not counted here.",
  memoryOf: (promised: number, most: number) => `${memory(promised)} of ${memory(most)}`,
  countOf: (promised: number, most: number) => `${figure(promised)} of ${figure(most)}`,
  diskOf: (promised: number, most: number) => `${figure(promised)} of ${figure(most)} GiB`,
  over: "More is promised than there may be: nothing more is placed here.",
  storages: "Storages",
  noStorages: "Nothing is promised of any storage yet.",
  shared: (cluster: string) => `${cluster}, shared`,
  onNode: (cluster: string, node: string) => `${node} of ${cluster}`,
  pools: "Address pools",
  noPools: "hostler.toml names no address pools.",
  taken: (taken: number, size: number) => `${figure(taken)} of ${figure(size)} taken`,
  poolOf: (network: string, location: string) => `${network}, of ${location}`,
  slots: "Copies and backups at once",
  noSlots: "None goes on.",
  slotsOf: (granted: number, waiting: number) =>
    `${granted} ${granted === 1 ? "goes" : "go"} on, ${waiting} ${waiting === 1 ? "waits" : "wait"}`,
};
