import type { MemberRole } from "./types";

const acting: readonly (MemberRole | null)[] = ["owner", "admin", "operator"];
const managing: readonly (MemberRole | null)[] = ["owner", "admin"];
const ordering = managing;

/** Who acts on servers that are there; the mirror of `act` in domain/account/roles.py. */
export const mayAct = (role: MemberRole | null) => acting.includes(role);

/** Who invites, and says what others may; the mirror of `manage` there. */
export const mayManage = (role: MemberRole | null) => managing.includes(role);

/** Who orders servers for an account; the mirror of `order` there. */
export const mayOrder = (role: MemberRole | null) => ordering.includes(role);
