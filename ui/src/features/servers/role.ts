import { useQuery } from "@tanstack/react-query";
import { accountsQuery } from "@/api/accounts";
import { mayAct } from "@/api/roles";
import type { MemberRole, Server } from "@/api/types";
import { words } from "@/words";

/** What the user is in the account of a server; null while that is not known, and for staff. */
export function useRole(server: Server | undefined): MemberRole | null {
  const accounts = useQuery(accountsQuery());
  return accounts.data?.find(({ id }) => id === server?.account)?.role ?? null;
}

/** Why the user may only look at a server; null when they may act on it. */
export function useOnlyLooks(server: Server): string | null {
  const role = useRole(server);
  return role === null || server.admin || mayAct(role) ? null : words.whyNot.role(words.accounts.roleNames[role]);
}
