import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { accountsQuery } from "@/api/accounts";
import { describe } from "@/api/errors";
import type { Account } from "@/api/types";
import { useSearchParams } from "@/lib/location";
import { EmptyState } from "@/ui/EmptyState";
import { Failure } from "@/ui/Failure";
import { Select } from "@/ui/Select";
import { Skeleton } from "@/ui/Skeleton";
import { words } from "@/words";

const said = words.members;

/** Something about an account of the user's. Which account, where there are several, stands in the URL. */
export function ChosenAccount({ children }: { children: (account: Account) => ReactNode }) {
  const accounts = useQuery(accountsQuery());
  const [params, setParams] = useSearchParams();
  const wanted = params.get("account");
  const account = accounts.data?.find(({ id }) => id === wanted) ?? accounts.data?.[0];
  return (
    <>
      {accounts.error ? (
        <Failure title={said.failed} {...describe(accounts.error)} onRetry={() => void accounts.refetch()} />
      ) : null}
      {accounts.isPending ? <Skeleton rows={3} label={words.common.loading} /> : null}
      {accounts.data?.length === 0 ? <EmptyState title={said.noAccount} help={said.noAccountHelp} /> : null}
      {account && accounts.data && accounts.data.length > 1 ? (
        <div className="max-w-sm">
          <Select
            label={said.account}
            value={account.id}
            options={accounts.data.map(({ id, name, role }) => ({ value: id, label: said.accountAs(name, role) }))}
            onChange={(id) => setParams({ account: id }, { replace: true })}
          />
        </div>
      ) : null}
      {account ? children(account) : null}
    </>
  );
}
