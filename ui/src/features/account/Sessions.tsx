import { useQuery } from "@tanstack/react-query";
import { describe } from "@/api/errors";
import type { OpenSession } from "@/api/types";
import { Unread } from "@/asking/Unread";
import { Button } from "@/ui/Button";
import { Failure } from "@/ui/Failure";
import { Section } from "@/ui/Section";
import { Skeleton } from "@/ui/Skeleton";
import { Time } from "@/ui/Time";
import { words } from "@/words";
import { deviceOf } from "./device";
import { accountChanges, accountQueries, useAccountChange } from "./queries";

const { sessions } = words.account;

export function Sessions() {
  const open = useQuery(accountQueries.sessions());
  const end = useAccountChange(accountChanges.endOthers);
  const others = open.data?.some((session) => !session.current) ?? false;
  return (
    <Section title={sessions.title}>
      <Unread title={sessions.failed} query={open} />
      {open.isPending ? <Skeleton rows={3} label={words.common.loading} /> : null}
      <ul className="grid ruled">
        {open.data?.map((session) => (
          <Row key={session.id} session={session} />
        ))}
      </ul>
      {end.error ? <Failure title={sessions.endFailed} {...describe(end.error)} /> : null}
      <div>
        <Button busy={end.isPending} reason={others ? null : sessions.onlyHere} onClick={() => end.mutate(undefined)}>
          {sessions.endOthers}
        </Button>
      </div>
    </Section>
  );
}

function Row({ session }: { session: OpenSession }) {
  const end = useAccountChange(accountChanges.endSession);
  return (
    <li className="flex flex-wrap items-center justify-between gap-3 py-3 first:pt-0">
      <div className="min-w-0 flex-1 basis-56">
        <p className="font-medium wrap-anywhere" title={session.user_agent}>
          {session.by_staff ? sessions.byStaff : deviceOf(session.user_agent)}
        </p>
        <p className="text-small text-soft">
          {session.address ? `${session.address} · ` : null}
          {sessions.lastUsed} <Time at={session.last_used_at} />
        </p>
        {end.error ? <Failure title={sessions.endFailed} {...describe(end.error)} /> : null}
      </div>
      {session.current ? (
        <span className="text-small text-good">{sessions.here}</span>
      ) : (
        <Button busy={end.isPending} onClick={() => end.mutate(session.id)}>
          {sessions.end}
        </Button>
      )}
    </li>
  );
}
