import type { ReactNode } from "react";
import { useTitle } from "@/lib/hooks";
import { useLocation } from "@/lib/location";
import { paths } from "@/paths";
import { Tabs } from "@/ui/Tabs";
import { words } from "@/words";

const account = words.account;
const tabs = [
  [paths.account(), account.profile],
  [paths.accountMembers(), words.members.title],
  [paths.accountSecurity(), account.security],
  [paths.accountKeys(), account.keys],
  [paths.accountTokens(), account.tokens],
  [paths.accountWebhooks(), words.webhooks.title],
] as const;

/** The frame of everything about the signed-in user. */
export function AccountPage({ children }: { children?: ReactNode }) {
  useTitle(account.title);
  const { pathname } = useLocation();
  const webhooks = paths.accountWebhooks();
  return (
    <div className="grid gap-5">
      <h1 className="text-title font-semibold">{account.title}</h1>
      <Tabs label={account.title} tabs={tabs} alsoActive={pathname.startsWith(webhooks) ? webhooks : undefined} />
      {children}
    </div>
  );
}
