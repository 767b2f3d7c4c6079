import type { ReactNode } from "react";
import type { Server, ServerStatus } from "@/api/types";
import { secondsBetween } from "@/lib/dates";
import { useNow } from "@/lib/hooks";
import { Notice } from "@/ui/Notice";
import { Time } from "@/ui/Time";
import { Timed } from "@/ui/Timed";
import { words } from "@/words";

const notices: Partial<Record<ServerStatus, (server: Server) => ReactNode>> = {
  unlinked: ({ status_reason }) => (
    <Notice tone="warn" title={words.server.unlinked}>
      {status_reason ? <p>{status_reason}</p> : null}
      <p>{words.server.unlinkedHelp}</p>
    </Notice>
  ),
  unknown: (server) => (
    <Notice tone="warn" title={words.server.unknown}>
      {asOf(server)}
    </Notice>
  ),
  failed: ({ status_reason }) => (
    <Notice tone="bad" title={words.server.failedStatus}>
      {status_reason}
    </Notice>
  ),
  suspended: ({ suspension, status_reason }) => (
    <Notice tone="warn" title={words.server.suspended}>
      {suspension?.reasons.map((reason) => <p key={reason}>{words.server.holds[reason] ?? reason}</p>) ?? status_reason}
      {suspension ? (
        <p>
          {words.server.suspendedSince} <Time at={suspension.since} />. {words.server.suspendedKept}
        </p>
      ) : null}
    </Notice>
  ),
  terminating: ({ purge_at }) => <Terminating purgeAt={purge_at} />,
  terminated: () => (
    <Notice tone="info" title={words.server.terminated}>
      {words.server.terminatedHelp}
    </Notice>
  ),
};

/** What the status means for its owner, where a word is not enough. */
export function StatusNotice({ server }: { server: Server }) {
  const notice = notices[server.status]?.(server) ?? null;
  return server.restart_needed ? (
    <>
      {notice}
      <Notice tone="info" title={words.change.restartNeeded}>
        {words.change.restartNeededHelp}
      </Notice>
    </>
  ) : (
    notice
  );
}

function asOf({ last_status, observed_at }: Server): ReactNode {
  if (!last_status || !observed_at) return words.server.unknownNever;
  return (
    <Timed say={(time) => words.server.unknownHelp(words.status[last_status], time)} at={observed_at} as="clock" />
  );
}

function Terminating({ purgeAt }: { purgeAt: string | null }) {
  const now = useNow(purgeAt !== null);
  return (
    <Notice tone="warn" title={words.server.terminating}>
      {purgeAt ? <Countdown purgeAt={purgeAt} now={now} /> : words.server.stopFirst}
    </Notice>
  );
}

function Countdown({ purgeAt, now }: { purgeAt: string; now: number }) {
  const left = secondsBetween(now, purgeAt);
  if (left === 0) return words.server.purgeNow;
  return <Timed say={(time) => words.server.purge(time, words.common.seconds(left))} at={purgeAt} as="clock" />;
}
