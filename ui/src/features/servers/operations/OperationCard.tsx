import { useQuery } from "@tanstack/react-query";
import { Circle, CircleCheck, CircleX, Hourglass, LoaderCircle, type LucideIcon } from "lucide-react";
import { useState } from "react";
import { useSearchParams } from "react-router";
import { describe } from "@/api/errors";
import { useUser } from "@/api/session";
import type { Operation, OperationStep, Server, User } from "@/api/types";
import { secondsBetween, secondsTaken } from "@/lib/dates";
import { classes } from "@/lib/classes";
import { useNow } from "@/lib/hooks";
import { Button } from "@/ui/Button";
import { Failure } from "@/ui/Failure";
import { Notice } from "@/ui/Notice";
import { Progress } from "@/ui/Progress";
import { Section } from "@/ui/Section";
import { StaffDetails } from "@/ui/StaffDetails";
import { words } from "@/words";
import { serverQueries } from "@/features/servers/queries";

/**
 * The operation in progress, or the one the URL names, or the last if it went wrong. It stays when it ends,
 * until closed: how it went is the news.
 */
export function OperationCard({ server, accepted }: { server: Server; accepted: string | null }) {
  const [params, setParams] = useSearchParams();
  const [closed, setClosed] = useState<string | null>(null);
  const news = useNews(server, accepted);
  const id = server.current_operation ?? params.get("operation") ?? (news === closed ? null : news);
  const close = () => {
    setClosed(news);
    setParams({}, { replace: true });
  };
  return id ? <LoadedOperation key={id} id={id} onClose={close} /> : null;
}

const wentWrong: readonly Operation["status"][] = ["failed", "needs_attention"];

/** The operation that was in progress last while this page was open; before there is one, the last to go wrong. */
function useNews(server: Server, accepted: string | null): string | null {
  const latest = useQuery(serverQueries.latestOperation(server.id)).data;
  const current = server.current_operation ?? accepted;
  const [seen, setSeen] = useState(current);
  if (current && current !== seen) setSeen(current);
  const wrong = latest && wentWrong.includes(latest.status) ? latest.id : null;
  return seen ?? wrong;
}

function LoadedOperation({ id, onClose }: { id: string; onClose: () => void }) {
  const { data, error, refetch } = useQuery(serverQueries.operation(id));
  if (data) return <OperationSteps operation={data} onClose={onClose} />;
  return error ? <Failure title={words.operation.failed} {...describe(error)} onRetry={() => void refetch()} /> : null;
}

function OperationSteps({ operation, onClose }: { operation: Operation; onClose: () => void }) {
  const now = useNow(!operation.finished_at);
  const user = useUser();
  const title = words.operationType(operation.type);
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
      <ol aria-label={words.operation.steps} className="grid gap-2">
        {operation.steps.map((step) => (
          <Step key={step.key} step={step} now={now} />
        ))}
      </ol>
      <footer className="flex flex-wrap items-center justify-between gap-3 text-small text-soft">
        <span className="wrap-anywhere">
          {words.operation.by(requester(operation.requested_by, user))} · {words.operation.reference}:{" "}
          <span className="font-mono">{operation.id}</span>
        </span>
        {operation.finished_at ? (
          <Button kind="quiet" onClick={onClose}>
            {words.operation.dismiss}
          </Button>
        ) : null}
      </footer>
    </Section>
  );
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

/** A clock that runs shows whole seconds; what is done says exactly how long it took. */
function elapsed(from: string, to: string | null | undefined, now: number): number {
  return to ? secondsTaken(from, to) : secondsBetween(from, now);
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

const stepLooks: Record<string, { icon: LucideIcon; colour: string }> = {
  running: { icon: LoaderCircle, colour: "text-accent" },
  succeeded: { icon: CircleCheck, colour: "text-good" },
  waiting: { icon: Hourglass, colour: "text-warn" },
  failed: { icon: CircleX, colour: "text-bad" },
};
const queued = { icon: Circle, colour: "text-soft" };

function Step({ step, now }: { step: OperationStep; now: number }) {
  const { icon: Icon, colour } = stepLooks[step.status] ?? queued;
  return (
    <li className="flex items-start gap-2.5">
      <Icon
        aria-hidden
        size={17}
        className={classes("mt-1 shrink-0", colour, step.status === "running" && "animate-spin")}
      />
      <div className="min-w-0 flex-1">
        <span className={step.started_at ? undefined : "text-soft"}>{words.step(step.key)}</span>
        <span className="sr-only">: {words.operation.stepStatus[step.status] ?? step.status}</span>
        {step.attempt > 1 ? (
          <span className="text-small text-soft"> · {words.operation.attempt(step.attempt)}</span>
        ) : null}
        {step.detail ? <p className="text-small text-soft wrap-anywhere">{step.detail}</p> : null}
      </div>
      {step.started_at ? (
        <span className="shrink-0 text-small text-soft tabular-nums">
          {words.common.seconds(elapsed(step.started_at, step.finished_at, now))}
        </span>
      ) : null}
    </li>
  );
}
