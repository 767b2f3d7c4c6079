import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { useUser } from "@/api/session";
import type { Operation, Server, User } from "@/api/types";
import { serverQueries } from "@/features/servers/queries";
import { elapsed } from "@/lib/dates";
import { useNow } from "@/lib/hooks";
import { paths } from "@/paths";
import { Button } from "@/ui/Button";
import { Notice } from "@/ui/Notice";
import { Progress } from "@/ui/Progress";
import { Section } from "@/ui/Section";
import { StaffDetails } from "@/ui/StaffDetails";
import { Time } from "@/ui/Time";
import { words } from "@/words";
import { EndButtons } from "./EndButtons";
import { Steps } from "./Steps";

interface Props {
  operation: Operation;
  server: Server;
  /** Takes it away from here; without, it stays. */
  onClose?: (() => void) | undefined;
}

/** One operation: how it stands, its steps, why it went wrong and what can be done about it. */
export function OperationPanel({ operation, server, onClose }: Props) {
  const now = useNow(!operation.finished_at);
  const user = useUser();
  const title = words.operationType(operation.type);
  const isNewest = useIsNewest(server, operation);
  return (
    <Section title={title}>
      <div className="grid gap-2">
        <p role="status" className="text-soft">
          {announcement(operation)}
          <span aria-hidden>{duration(operation, now)}</span>
        </p>
        {operation.finished_at ? null : <Progress value={operation.progress} label={title} />}
      </div>
      <OperationFailure operation={operation} />
      <Steps steps={operation.steps} now={now} />
      <EndButtons operation={operation} server={server} newest={isNewest} />
      <footer className="flex flex-wrap items-center justify-between gap-x-6 gap-y-2 text-small text-soft">
        <div className="grid min-w-0 gap-0.5 wrap-anywhere">
          <p>
            {words.operation.by(requester(operation.requested_by, user))}, <Time at={operation.created_at} />
          </p>
          <dl className="grid gap-0.5">
            <div>
              <dt className="inline">{words.operation.reference}: </dt>
              <dd className="inline font-mono">{operation.id}</dd>
            </div>
            {operation.request_id ? (
              <div>
                <dt className="inline">{words.common.requestId}: </dt>
                <dd className="inline font-mono">{operation.request_id}</dd>
              </div>
            ) : null}
          </dl>
        </div>
        {onClose ? (
          <span className="flex flex-wrap items-center gap-2">
            <Link className="link" to={paths.serverOperation(server.id, operation.id)}>
              {words.operation.open}
            </Link>
            {operation.finished_at ? (
              <Button kind="quiet" onClick={onClose}>
                {words.operation.dismiss}
              </Button>
            ) : null}
          </span>
        ) : null}
      </footer>
    </Section>
  );
}

function useIsNewest({ id, current_operation }: Server, operation: Operation): boolean {
  const { data } = useQuery(serverQueries.latestOperation(id));
  return (current_operation ?? data?.id) === operation.id;
}

/** What a screen reader hears as it goes on: no ticking clocks, only the state and the step. */
function announcement({ status, steps }: Operation): string {
  const step = steps.find(({ status: each }) => each === "running" || each === "waiting");
  const state = words.operationStatus[status];
  return status === "running" && step ? words.operation.announce(state, words.step(step.key)) : state;
}

function duration({ started_at, finished_at }: Operation, now: number): string {
  if (!started_at) return "";
  const seconds = words.common.seconds(elapsed(started_at, finished_at, now));
  return `, ${finished_at ? words.operation.took(seconds) : words.operation.since(seconds)}`;
}

function requester({ type, id }: Operation["requested_by"], user: User | null): string {
  return id && id === user?.id ? words.operation.you : (words.operation.requesters[type] ?? type);
}

function OperationFailure({ operation: { error, finished_at } }: { operation: Operation }) {
  if (!error) return null;
  return (
    <Notice tone={finished_at ? "bad" : "warn"} title={error.message}>
      {error.debug ? <StaffDetails text={error.debug} /> : null}
    </Notice>
  );
}
