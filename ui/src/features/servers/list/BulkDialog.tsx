import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { describe } from "@/api/errors";
import { HOLDS, type Hold } from "@/api/holding";
import type { Server } from "@/api/types";
import { useBulk } from "@/features/servers/list/useBulk";
import { serverQueries } from "@/features/servers/queries";
import { Button } from "@/ui/Button";
import { Choice } from "@/ui/Choice";
import { Dialog } from "@/ui/Dialog";
import { Field } from "@/ui/Field";
import { words } from "@/words";
import { bulkAsk, plan, waiting, type BulkAction, type Outcome } from "./bulk";

const bulk = words.bulk;
const { holds } = words.staff;
const dangerous: readonly BulkAction[] = ["stop", "suspend"];

interface Props {
  action: BulkAction;
  servers: readonly Server[];
  onClose: () => void;
}

/** Says for each chosen server what will be done or why nothing; then, what became of it. */
export function BulkDialog({ action, servers, onClose }: Props) {
  // As they were when it was asked: a list that changes under one's eyes cannot be agreed to.
  const [chosen] = useState(servers);
  const [hold, setHold] = useState<Hold>("non_payment");
  const [note, setNote] = useState("");
  const asked = bulkAsk(action, hold, note.trim());
  const { outcomes, begun, busy, run } = useBulk(asked, chosen);
  const shown = outcomes ?? plan(asked, chosen);
  const affected = waiting(plan(asked, chosen)).length;
  return (
    <Dialog open onClose={onClose} title={bulk.question(bulk.actions[action], affected)}>
      {begun ? null : (
        <div className="mt-3 grid gap-4">
          <p className="text-soft">{bulk.consequence[action]}</p>
          {"reason" in asked ? <Reason value={hold} onChange={setHold} /> : null}
          {asked.type === "suspend" ? (
            <Field label={holds.note} help={holds.noteHelp} maxLength={255} value={note} onValueChange={setNote} />
          ) : null}
        </div>
      )}
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
          <Button
            kind={dangerous.includes(action) ? "danger" : "primary"}
            busy={busy}
            reason={affected > 0 || busy ? null : bulk.none}
            onClick={run}
          >
            {busy ? words.acting[action] : bulk.actions[action]}
          </Button>
        )}
      </div>
    </Dialog>
  );
}

function Reason({ value, onChange }: { value: Hold; onChange: (hold: Hold) => void }) {
  return (
    <Choice
      legend={holds.why}
      name="reason"
      options={HOLDS.map((hold) => ({ value: hold, title: holds.names[hold] }))}
      value={value}
      onChange={(hold) => onChange(hold as Hold)}
      empty=""
    />
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
