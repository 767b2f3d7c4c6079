import { Circle, CircleCheck, CircleX, Hourglass, LoaderCircle, type LucideIcon } from "lucide-react";
import type { OperationStep } from "@/api/types";
import { classes } from "@/lib/classes";
import { elapsed } from "@/lib/dates";
import { words } from "@/words";

/** The steps of an operation: what each is, how it stands, how often it was tried, how long it took. */
export function Steps({ steps, now }: { steps: readonly OperationStep[]; now: number }) {
  return (
    <ol aria-label={words.operation.steps} className="grid gap-2">
      {steps.map((step) => (
        <Step key={step.key} step={step} now={now} />
      ))}
    </ol>
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
