import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useParams } from "wouter";
import { describe } from "@/api/errors";
import type { StaffAccountDetail } from "@/api/types";
import { Proof } from "@/asking/Proof";
import { wantsProof } from "@/asking/proving";
import { memory } from "@/lib/bytes";
import { useTitle } from "@/lib/hooks";
import { Loaded } from "@/features/staff/Loaded";
import { paths } from "@/paths";
import { Button } from "@/ui/Button";
import { Facts } from "@/ui/Facts";
import { Failure } from "@/ui/Failure";
import { Section } from "@/ui/Section";
import { Time } from "@/ui/Time";
import { words } from "@/words";
import { Erase } from "./Erase";
import { MassAct } from "./MassAct";
import { peopleActs, peopleQueries } from "./queries";
import { StaffNotes } from "./StaffNotes";

const { people } = words.staff;
const link = "link";

/** A customer: who acts for it, what it has, what keeps it from that, and what the law lets it ask for. */
export function CustomerPage() {
  const { id = "" } = useParams();
  const account = useQuery(peopleQueries.account(id));
  useTitle(account.data?.name || words.members.unnamed);
  return <Loaded query={account}>{(data) => <Customer account={data} />}</Loaded>;
}

function Customer({ account }: { account: StaffAccountDetail }) {
  return (
    <div className="grid gap-5">
      <h2 className="text-title font-semibold wrap-anywhere">{account.name || words.members.unnamed}</h2>
      <div className="grid items-start gap-5 lg:grid-cols-2">
        <About account={account} />
        <Members account={account} />
        <Servers account={account} />
        <div className="grid gap-5">
          <StaffNotes account={account.id} />
          <Suspension account={account} />
          <Rights account={account} />
        </div>
      </div>
    </div>
  );
}

function About({ account }: { account: StaffAccountDetail }) {
  const { totals } = account;
  const sum = `${people.cores(totals.vcpus)} · ${memory(totals.memory_mib)} RAM · ${totals.disk_gib} GiB disk`;
  return (
    <Section title={people.about}>
      <Facts
        facts={[
          [words.session.email, account.email ?? words.common.none],
          [words.staff.state, people.accountStatus(account.status)],
          [people.since, <Time key="since" at={account.created_at} as="day" />],
          [people.external, account.external_id ?? words.common.none],
          [people.size, sum],
          [
            words.server.id,
            <span key="id" className="font-mono text-small">
              {account.id}
            </span>,
          ],
        ]}
      />
      <p>
        <Link className={link} to={paths.adminPast(account.id)}>
          {words.staff.past.open}
        </Link>
      </p>
    </Section>
  );
}

function Members({ account }: { account: StaffAccountDetail }) {
  return (
    <Section title={words.members.title}>
      {account.members.length === 0 ? <p className="text-soft">{people.noMembers}</p> : null}
      <ul aria-label={words.members.title} className="grid ruled empty:hidden">
        {account.members.map(({ id, name, email, role }) => (
          <li key={id} className="flex flex-wrap justify-between gap-x-6 py-2 first:pt-0 wrap-anywhere">
            <Link className={link} to={paths.adminUser(id)}>
              {name ?? email}
            </Link>
            <span className="text-soft">{words.members.roles[role].name}</span>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Servers({ account }: { account: StaffAccountDetail }) {
  return (
    <Section title={people.servers(account.server_count)}>
      <ul aria-label={words.servers.title} className="grid ruled empty:hidden">
        {account.servers.map(({ id, name, status, suspension }) => (
          <li key={id} className="flex flex-wrap justify-between gap-x-6 py-2 first:pt-0 wrap-anywhere">
            <Link className={link} to={paths.server(id)}>
              {name}
            </Link>
            <span className="text-soft">
              {[words.status[status], ...(suspension?.reasons ?? []).map(people.hold)].join(" · ")}
            </span>
          </li>
        ))}
      </ul>
      {account.more_servers ? <p className="text-soft">{people.more}</p> : null}
      <p>
        <Link className={link} to={paths.serversOf(account.id)}>
          {people.inList}
        </Link>
      </p>
    </Section>
  );
}

function Suspension({ account }: { account: StaffAccountDetail }) {
  return (
    <Section title={words.staff.holds.title}>
      <p className="text-soft">{people.held(account.holds.length)}</p>
      <div className="flex flex-wrap gap-2">
        <MassAct account={account} type="suspend" />
        <MassAct account={account} type="unsuspend" />
      </div>
    </Section>
  );
}

function Rights({ account }: { account: StaffAccountDetail }) {
  return (
    <Section title={people.rights}>
      <Export account={account} />
      <Erase account={account} />
    </Section>
  );
}

function Export({ account }: { account: StaffAccountDetail }) {
  const read = useMutation({ mutationFn: () => peopleActs.export(account.id) });
  const file = read.data ? new Blob([JSON.stringify(read.data, null, 2)], { type: "application/json" }) : null;
  return (
    <div className="grid gap-3">
      <p className="text-soft">{people.exportHelp}</p>
      {read.error && !wantsProof(read.error) ? <Failure title={people.exportFailed} {...describe(read.error)} /> : null}
      {file ? (
        <a className={link} href={URL.createObjectURL(file)} download={`${account.id}.json`}>
          {people.save}
        </a>
      ) : (
        <Button className="justify-self-start" busy={read.isPending} onClick={() => read.mutate()}>
          {read.isPending ? people.exporting : people.export}
        </Button>
      )}
      <Proof change={read} />
    </div>
  );
}
