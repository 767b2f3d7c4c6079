import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { describe } from "@/api/errors";
import type { Server } from "@/api/types";
import { useBulk } from "@/features/servers/list/useBulk";
import { serverQueries } from "@/features/servers/queries";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { words } from "@/words";
import { plan, waiting, type BulkAction, type Outcome } from "./bulk";

const { bulk } = words;

interface Props {
  action: BulkAction;
  servers: readonly Server[];
  onClose: () => void;
}

/** Says for each chosen server what will be done or why nothing; then, what became of it. */
export function BulkDialog({ action, servers, onClose }: Props) {
  // As they were when it was asked: a list that changes under one's eyes cannot be agreed to.
  const [chosen] = useState(servers);
  const { outcomes, begun, busy, run } = useBulk(action, chosen);
  const shown = outcomes ?? plan(action, chosen);
  const affected = waiting(plan(action, chosen)).length;
  return (
    <Dialog open onClose={onClose} title={bulk.question(words.actions[action], affected)}>
      {begun ? null : <p className="mt-3 text-soft">{bulk.consequence[action]}</p>}
      <ul aria-label={bulk.outcomes} className="mt-4 grid gap-2">
        {shown.map((outcome) => (
          <li key={outcome.server.id} className="grid gap-x-4 sm:grid-cols-2">
            <span className="font-medium wrap-anywhere">{outcome.server.name}</span>
            <Result outcome={outcome} begun={begun} />
          </li>
        ))}
      </ul>
      <div className="mt-5 flex flex-wrap justify-end gap-3">
        <Button onClick={onClose}>{begun ? bulk.close : words.common.cancel}</Button>
        {begun && !busy ? null : (
          <Button kind={action === "stop" ? "danger" : "primary"} busy={busy} onClick={run}>
            {busy ? words.acting[action] : words.actions[action]}
          </Button>
        )}
      </div>
    </Dialog>
  );
}

function Result({ outcome, begun }: { outcome: Outcome; begun: boolean }) {
  if (outcome.state === "left") return <span className="text-soft">{bulk.left(outcome.why)}</span>;
  if (outcome.state === "accepted") return <Progress operation={outcome.operation} />;
  if (outcome.state === "refused") return <Refused error={outcome.error} />;
  return <span className="text-soft">{begun ? bulk.asking : bulk.willBe}</span>;
}

function Progress({ operation: id }: { operation: string }) {
  const { data } = useQuery(serverQueries.operation(id));
  const text = data ? words.operationStatus[data.status] : bulk.asked;
  return <span>{data?.error ? `${text}: ${data.error.message}` : text}</span>;
}

function Refused({ error }: { error: unknown }) {
  const { message, requestId } = describe(error);
  return (
    <span className="text-bad wrap-anywhere">
      {bulk.refused(message)}
      {requestId ? <span className="block font-mono text-small">{requestId}</span> : null}
    </span>
  );
}
