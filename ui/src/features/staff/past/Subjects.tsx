import { Link } from "wouter";
import type { Past, ServerPast } from "@/api/types";
import { paths } from "@/paths";
import { Facts } from "@/ui/Facts";
import { Section } from "@/ui/Section";
import { Timed } from "@/ui/Timed";
import { words } from "@/words";
import { Changes } from "./Changes";

const { past } = words.staff;

/** What was asked about, as it was: the customer or the address, then each server. */
export function Subjects({ past: { account, address, servers, more_servers, time } }: { past: Past }) {
  return (
    <>
      {account ? <Account account={account} time={time} /> : null}
      {address ? <Address address={address} time={time} /> : null}
      {servers.length === 0 ? <p className="text-soft">{past.noServers}</p> : null}
      {servers.map((server) => (
        <ServerThen key={server.id} server={server} time={time} />
      ))}
      {more_servers ? <p className="text-soft">{past.more}</p> : null}
    </>
  );
}

function Account({
  account: { id, then, now, changes },
  time,
}: {
  account: NonNullable<Past["account"]>;
  time: string;
}) {
  const members = then?.members.map(({ id: user, name, role }) => `${name ?? user} (${role})`).join(", ");
  return (
    <Section title={then?.name ?? now?.name ?? id}>
      <p className="text-soft">
        <Timed say={past.then} at={time} />
      </p>
      {then ? (
        <Facts
          facts={[
            [words.staff.state, then.status],
            [past.members, members || past.nothing],
            [words.server.id, id],
          ]}
        />
      ) : (
        <p>{past.notYet}</p>
      )}
      {then ? <Changes changes={changes} gone={now === null} /> : null}
    </Section>
  );
}

function Address({ address: { address, then, now }, time }: { address: NonNullable<Past["address"]>; time: string }) {
  return (
    <Section title={address}>
      <p className="text-soft">
        <Timed say={past.then} at={time} />
      </p>
      <Facts
        facts={[
          [past.holderThen, <Holder key="then" holder={then} />],
          [past.holderNow, <Holder key="now" holder={now} />],
        ]}
      />
    </Section>
  );
}

function Holder({ holder }: { holder: NonNullable<Past["address"]>["then"] }) {
  if (!holder) return past.nobody;
  return (
    <Link className="link" to={paths.adminPast(holder.server)}>
      {holder.name ?? holder.server}
    </Link>
  );
}

function ServerThen({ server: { id, then, operation, now, changes }, time }: { server: ServerPast; time: string }) {
  return (
    <Section title={then?.name ?? now?.name ?? id}>
      <p className="text-soft">
        <Timed say={past.then} at={time} />
      </p>
      {then ? <Facts facts={factsOf(then, operation)} /> : <p>{past.notYet}</p>}
      {then ? <Changes changes={changes} gone={now === null} /> : null}
      {now ? (
        <p>
          <Link className="link" to={paths.server(id)}>
            {words.staff.server}
          </Link>
        </p>
      ) : null}
    </Section>
  );
}

function Owner({ id }: { id: string }) {
  return (
    <Link className="link" to={paths.adminCustomer(id)}>
      {id}
    </Link>
  );
}

type Then = NonNullable<ServerPast["then"]>;

function factsOf(then: Then, operation: ServerPast["operation"]) {
  const { admin } = then;
  const underway = operation ? words.operationType(operation.type) : past.nothing;
  return [
    [words.servers.status, words.status[then.status]],
    [past.underway, underway],
    [words.server.plan, then.plan.name],
    [words.server.image, then.image.name],
    [words.server.location, then.location.name],
    [words.server.addresses, then.ips.map(({ address }) => address).join(", ") || past.nothing],
    [past.guest, [admin?.cluster, admin?.node, admin?.vmid].filter((part) => part != null).join("/") || past.nothing],
    [past.owner, admin?.owner ? <Owner key="owner" id={admin.owner} /> : past.nothing],
    [words.server.id, then.id],
  ] as const;
}
