import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { UserPlus } from "lucide-react";
import { lazy, useState } from "react";
import { Link } from "wouter";
import type { StaffAccount } from "@/api/types";
import { paths } from "@/paths";
import { Button } from "@/ui/Button";
import { Later } from "@/ui/Later";
import { words } from "@/words";
import { Pages } from "./Pages";
import { peopleQueries } from "./queries";
import { Search, useSearched } from "./Search";

const { people } = words.staff;
const MakeCustomer = lazy(async () => ({ default: (await import("./MakeCustomer")).MakeCustomer }));

/** Every customer, newest first, found by name or address. */
export function CustomersPage() {
  const q = useSearched();
  const [making, setMaking] = useState(false);
  const list = useInfiniteQuery({ ...peopleQueries.accounts(q), placeholderData: keepPreviousData });
  return (
    <div className="grid gap-5">
      <div className="flex flex-wrap items-start justify-between gap-4">
        <div className="min-w-0 grow">
          <Search label={people.findCustomer} help={people.findHelp} />
        </div>
        <Button icon={<UserPlus aria-hidden size={16} />} onClick={() => setMaking(true)}>
          {people.make.title}
        </Button>
      </div>
      <Later open={making}>
        <MakeCustomer open={making} onClose={() => setMaking(false)} />
      </Later>
      <Pages label={words.staff.tabs.customers} list={list} searched={q !== ""}>
        {(found) => found.map((account) => <Row key={account.id} account={account} />)}
      </Pages>
    </div>
  );
}

function Row({ account: { id, name, email, status, server_count, external_id } }: { account: StaffAccount }) {
  return (
    <li className="flex flex-wrap items-start justify-between gap-x-6 gap-y-1 px-5 py-4">
      <div className="min-w-0 wrap-anywhere">
        <Link className="font-medium link" to={paths.adminCustomer(id)}>
          {name || words.members.unnamed}
        </Link>
        <p className="text-small text-soft">
          {[email === name ? null : email, people.accountStatus(status), external_id].filter(Boolean).join(" · ")}
        </p>
      </div>
      <p className="text-soft">{people.servers(server_count)}</p>
    </li>
  );
}
