import { useQuery } from "@tanstack/react-query";
import { mayManage } from "@/api/roles";
import { useUser } from "@/api/session";
import type { Account, Invitation, Member, MemberRole } from "@/api/types";
import { ChosenAccount } from "@/asking/ChosenAccount";
import { ConfirmedAct } from "@/asking/ConfirmedAct";
import { Unread } from "@/asking/Unread";
import { Section } from "@/ui/Section";
import { Skeleton } from "@/ui/Skeleton";
import { Time } from "@/ui/Time";
import { words } from "@/words";
import { ChangeRole } from "./ChangeRole";
import { Invite } from "./Invite";
import { accountChanges, accountQueries } from "./queries";

const said = words.members;

/** Who acts for an account, and as what. */
export function MembersTab() {
  return <ChosenAccount>{(account) => <OfAccount key={account.id} account={account} />}</ChosenAccount>;
}

function OfAccount({ account }: { account: Account }) {
  const manages = mayManage(account.role);
  return (
    <div className="grid items-start gap-5 lg:grid-cols-2">
      <Members account={account} />
      {manages ? (
        <div className="grid gap-5">
          <Invite account={account} />
          <Invitations account={account} />
        </div>
      ) : (
        <Section title={said.invite}>
          <p className="text-soft">{account.role ? said.mayNot(said.roles[account.role].name) : null}</p>
        </Section>
      )}
    </div>
  );
}

function Members({ account }: { account: Account }) {
  const members = useQuery(accountQueries.members(account.id));
  return (
    <Section title={said.of(account.name)}>
      <Unread title={said.failed} query={members} />
      {members.isPending ? <Skeleton rows={3} label={words.common.loading} /> : null}
      <ul aria-label={said.title} className="grid ruled">
        {members.data?.map((member) => (
          <Row key={member.id} account={account} member={member} />
        ))}
      </ul>
    </Section>
  );
}

/** Why this member stays as they are for who looks; null when they may change it. */
function whyNot(account: Account, { role }: Member): string | null {
  if (!mayManage(account.role)) return said.mayNot(account.role ? said.roles[account.role].name : said.nobody);
  return role === "owner" && account.role !== "owner" ? said.ownersOnly : null;
}

function Row({ account, member }: { account: Account; member: Member }) {
  const me = useUser()?.id === member.id;
  const reason = whyNot(account, member);
  const who = member.name ?? member.email;
  return (
    <li className="flex flex-wrap items-center justify-between gap-3 py-3 first:pt-0">
      <div className="min-w-0 flex-1 basis-56 wrap-anywhere">
        <p className="font-medium">
          {who} {me ? <span className="font-normal text-soft">{said.you}</span> : null}
        </p>
        <p className="text-small text-soft">
          {said.roles[member.role].name}
          {member.name ? ` · ${member.email}` : null}
        </p>
      </div>
      <div className="flex flex-wrap gap-2">
        <ChangeRole account={account} member={member} reason={reason} />
        <ConfirmedAct
          label={me ? said.leave : said.remove}
          acting={me ? said.leaving : said.removing}
          about={who}
          title={me ? said.leaveTitle(account.name) : said.removeTitle(who)}
          notes={me ? said.leaveNotes : said.removeNotes}
          reason={me ? null : reason}
          danger
          run={() => accountChanges.dropMember(account.id, member.id)}
        />
      </div>
    </li>
  );
}

function Invitations({ account }: { account: Account }) {
  const waiting = useQuery(accountQueries.invitations(account.id));
  return (
    <Section title={said.waiting}>
      <Unread title={said.failed} query={waiting} />
      {waiting.data?.length === 0 ? <p className="text-soft">{said.noneWaiting}</p> : null}
      <ul aria-label={said.waiting} className="grid ruled empty:hidden">
        {waiting.data?.map((invitation) => (
          <Waiting key={invitation.id} account={account} invitation={invitation} />
        ))}
      </ul>
    </Section>
  );
}

function Waiting({ account, invitation }: { account: Account; invitation: Invitation }) {
  const { id, email, role, expires_at } = invitation;
  return (
    <li className="flex flex-wrap items-center justify-between gap-3 py-3 first:pt-0">
      <div className="min-w-0 flex-1 basis-56 wrap-anywhere">
        <p className="font-medium">{email}</p>
        <p className="text-small text-soft">
          {roleName(role)} · {said.until} <Time at={expires_at} />
        </p>
      </div>
      <ConfirmedAct
        label={said.withdraw}
        acting={said.withdrawing}
        about={email}
        title={said.withdrawTitle(email)}
        notes={said.withdrawNotes}
        run={() => accountChanges.withdraw(account.id, id)}
      />
    </li>
  );
}

const roleName = (role: MemberRole) => said.roles[role].name;
