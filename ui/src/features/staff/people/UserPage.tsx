import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "wouter";
import { useUser } from "@/api/session";
import type { StaffUserDetail } from "@/api/types";
import { ConfirmedAct } from "@/asking/ConfirmedAct";
import { ReasonedAct } from "@/asking/ReasonedAct";
import { useTitle } from "@/lib/hooks";
import { Loaded } from "@/features/staff/Loaded";
import { go } from "@/lib/location";
import { paths } from "@/paths";
import { Facts } from "@/ui/Facts";
import { Section } from "@/ui/Section";
import { Time } from "@/ui/Time";
import { words } from "@/words";
import { peopleActs, peopleQueries } from "./queries";
import { signsIn } from "./UsersPage";

const { people } = words.staff;

/** Somebody who signs in: by what means, for whom they act, and what staff can do about it. */
export function UserPage() {
  const { id = "" } = useParams();
  const user = useQuery(peopleQueries.user(id));
  useTitle(user.data?.email ?? words.staff.tabs.users);
  return <Loaded query={user}>{(data) => <Person user={data} />}</Loaded>;
}

function Person({ user }: { user: StaffUserDetail }) {
  return (
    <div className="grid gap-5">
      <h2 className="text-title font-semibold wrap-anywhere">{user.name ?? user.email}</h2>
      <div className="grid items-start gap-5 lg:grid-cols-2">
        <About user={user} />
        <Acts user={user} />
        <Accounts user={user} />
      </div>
    </div>
  );
}

function About({ user }: { user: StaffUserDetail }) {
  const seen = user.last_seen_at ? <Time at={user.last_seen_at} /> : people.neverSeen;
  return (
    <Section title={people.about}>
      <Facts
        facts={[
          [words.session.email, user.email],
          [words.members.role, people.roles[user.role]],
          [words.staff.state, signsIn(user)],
          [words.account.factor.title, user.two_factor ? people.on : people.off],
          [people.password, user.password_scheme ?? people.noPassword],
          [people.sessions, user.sessions],
          [words.account.tokens, user.api_tokens],
          [people.lastSeen, seen],
          [people.external, user.external_id ?? words.common.none],
          [
            words.server.id,
            <span key="id" className="font-mono text-small">
              {user.id}
            </span>,
          ],
        ]}
      />
    </Section>
  );
}

function Accounts({ user }: { user: StaffUserDetail }) {
  return (
    <Section title={people.accounts}>
      {user.accounts.length === 0 ? <p className="text-soft">{people.noAccounts}</p> : null}
      <ul aria-label={people.accounts} className="grid ruled empty:hidden">
        {user.accounts.map(({ id, name, role }) => (
          <li key={id} className="flex flex-wrap justify-between gap-x-6 py-2 first:pt-0 wrap-anywhere">
            <Link className="link" to={paths.adminCustomer(id)}>
              {name || words.members.unnamed}
            </Link>
            <span className="text-soft">{words.members.roles[role].name}</span>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Acts({ user }: { user: StaffUserDetail }) {
  const self = useUser()?.id === user.id ? people.self : null;
  return (
    <Section title={people.acts}>
      <Impersonate user={user} />
      <ConfirmedAct
        label={people.endSessions}
        acting={people.ending}
        title={people.endTitle(user.email)}
        notes={people.endNotes}
        reason={user.sessions > 0 ? null : people.noSessions}
        run={() => peopleActs.endSessions(user.id)}
      />
      <ConfirmedAct
        label={people.resetFactor}
        acting={people.resetting}
        title={people.resetTitle(user.email)}
        notes={people.resetNotes}
        reason={user.two_factor ? self : people.noFactor}
        danger
        run={() => peopleActs.resetTwoFactor(user.id)}
      />
      {user.disabled ? (
        <ConfirmedAct
          label={people.enable}
          acting={people.enabling}
          title={people.enableTitle(user.email)}
          notes={people.enableNotes}
          run={() => peopleActs.enable(user.id)}
        />
      ) : (
        <Disable user={user} whyNot={self} />
      )}
    </Section>
  );
}

function Disable({ user, whyNot }: { user: StaffUserDetail; whyNot: string | null }) {
  return (
    <ReasonedAct
      label={people.disable}
      acting={people.disabling}
      title={people.disableTitle(user.email)}
      notes={people.disableNotes}
      help={people.reasonHelp}
      whyNot={whyNot}
      danger
      run={(reason) => peopleActs.disable(user.id, reason)}
    />
  );
}

function whyNotAct({ role, disabled, login }: StaffUserDetail): string | null {
  if (role !== "customer") return people.onlyCustomers;
  return disabled || !login ? people.mayNotSignIn : null;
}

function Impersonate({ user }: { user: StaffUserDetail }) {
  const begin = async (reason: string) => {
    await peopleActs.impersonate(user.id, reason);
    go(paths.servers());
  };
  return (
    <ReasonedAct
      label={people.impersonate}
      acting={people.impersonating}
      title={people.impersonateTitle(user.email)}
      notes={people.impersonateNotes}
      help={people.reasonHelp}
      needed={people.reasonMissing}
      whyNot={whyNotAct(user)}
      run={begin}
    />
  );
}
