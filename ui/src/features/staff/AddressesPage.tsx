import { useQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { Link } from "wouter";
import type { AddressHistory } from "@/api/types";
import { useSearchParams } from "@/lib/location";
import { paths } from "@/paths";
import { Button } from "@/ui/Button";
import { EmptyState } from "@/ui/EmptyState";
import { Field } from "@/ui/Field";
import { Time } from "@/ui/Time";
import { words } from "@/words";
import { Loaded } from "./Loaded";
import { staffQueries } from "./queries";

const staff = words.staff;

/** Who had an address, ever or at one time. The question stands in the URL. */
export function AddressesPage() {
  const [params, setParams] = useSearchParams();
  const address = params.get("address") ?? "";
  const at = params.get("at") ?? "";
  return (
    <>
      <Question
        key={`${address} ${at}`}
        address={address}
        at={at}
        onAsk={(asked) => setParams(Object.entries(asked).filter(([, value]) => value))}
      />
      {address ? <Answer address={address} at={at ? new Date(at).toISOString() : null} /> : null}
    </>
  );
}

interface Asked {
  address: string;
  at: string;
}

function Question({ address, at, onAsk }: Asked & { onAsk: (asked: Asked) => void }) {
  const [typed, setTyped] = useState<Asked>({ address, at });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (typed.address.trim()) onAsk({ address: typed.address.trim(), at: typed.at });
  };
  return (
    <form role="search" aria-label={staff.who} onSubmit={submit} className="flex flex-wrap items-start gap-3">
      <Field
        label={staff.address}
        autoComplete="off"
        spellCheck={false}
        value={typed.address}
        onValueChange={(value) => setTyped({ ...typed, address: value })}
      />
      <Field
        label={staff.at}
        help={staff.atHelp}
        type="datetime-local"
        value={typed.at}
        onValueChange={(value) => setTyped({ ...typed, at: value })}
      />
      <Button type="submit" kind="primary" className="sm:mt-7.5">
        {staff.ask}
      </Button>
    </form>
  );
}

function Answer({ address, at }: { address: string; at: string | null }) {
  const history = useQuery(staffQueries.holders(address, at));
  return (
    <Loaded query={history}>
      {({ holders }) =>
        holders.length === 0 ? (
          <EmptyState title={staff.nobody} help={at ? staff.nobodyThen : staff.nobodyHelp} />
        ) : (
          <ul aria-label={staff.holders} className="card ruled">
            {holders.map((holder) => (
              <Holder key={holder.server + holder.since} holder={holder} />
            ))}
          </ul>
        )
      }
    </Loaded>
  );
}

function Holder({ holder }: { holder: AddressHistory["holders"][number] }) {
  const { server, name, account, cluster, vmid, network, since, until } = holder;
  return (
    <li className="grid gap-1 px-5 py-4 wrap-anywhere">
      <p>
        <Link className="link" to={paths.server(server)}>
          {name ?? server}
        </Link>
      </p>
      <p>
        {staff.from} <Time at={since} /> {staff.until} {until ? <Time at={until} /> : staff.now}
      </p>
      <p className="text-small text-soft">
        {[`${staff.network} ${network}`, vmid !== null && `${staff.guest} ${[cluster, vmid].filter(Boolean).join("/")}`]
          .filter(Boolean)
          .join(" · ")}
        {account ? (
          <>
            {" · "}
            <Link className="link" to={paths.adminCustomer(account)}>
              {staff.account} {account}
            </Link>
          </>
        ) : null}
      </p>
    </li>
  );
}
