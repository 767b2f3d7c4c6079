import { useState } from "react";
import type { Server } from "@/api/types";
import { ConfirmedAct } from "@/asking/ConfirmedAct";
import { staffActs } from "@/features/staff/queries";
import { Choice } from "@/ui/Choice";
import { Field } from "@/ui/Field";
import { Section } from "@/ui/Section";
import { Time } from "@/ui/Time";
import { words } from "@/words";
import { HOLDS, isHeld, whyNotHold, type Hold } from "@/api/holding";
import type { ServerContext } from "@/asking/serverPage";

const { holds } = words.staff;

/** Why a server is kept from its owner, each reason by itself, and the way to place another. */
export function Holds({ server, operation, onAccepted }: ServerContext) {
  const held = HOLDS.filter((hold) => isHeld(server, hold));
  const reason = whyNotHold(server, operation);
  const lift = async (hold: Hold) => onAccepted(await staffActs.lift(server.id, hold));
  return (
    <Section title={holds.title}>
      {server.suspension ? (
        <p className="text-soft">
          {words.server.suspendedSince} <Time at={server.suspension.since} />
        </p>
      ) : (
        <p className="text-soft">{holds.none}</p>
      )}
      {held.length > 0 ? (
        <ul aria-label={holds.list} className="grid gap-3">
          {held.map((hold) => (
            <li key={hold} className="flex flex-wrap items-center justify-between gap-3">
              <div className="min-w-0 wrap-anywhere">
                <p className="font-medium">{holds.names[hold]}</p>
                <Note server={server} hold={hold} />
              </div>
              <ConfirmedAct
                label={holds.lift}
                acting={words.acting.unsuspend}
                observing={operation?.type === "unsuspend"}
                reason={reason}
                about={holds.names[hold]}
                title={holds.liftTitle(server.name, holds.names[hold])}
                notes={held.length > 1 ? holds.liftOneNotes : holds.liftLastNotes}
                run={() => lift(hold)}
              />
            </li>
          ))}
        </ul>
      ) : null}
      <Suspend server={server} operation={operation} onAccepted={onAccepted} />
    </Section>
  );
}

/** What was noted when it was placed, and when that was. */
function Note({ server, hold }: { server: Server; hold: Hold }) {
  const placed = server.admin?.holds.find(({ reason }) => reason === hold);
  if (!placed) return null;
  return (
    <p className="text-small text-soft">
      <Time at={placed.since} />
      {placed.note ? ` · ${holds.noted(placed.note)}` : null}
    </p>
  );
}

function Suspend({ server, operation, onAccepted }: ServerContext) {
  const [chosen, setChosen] = useState<Hold | null>(null);
  const [note, setNote] = useState("");
  const left = HOLDS.filter((hold) => !isHeld(server, hold));
  const hold = chosen && left.includes(chosen) ? chosen : left[0];
  const reason = hold ? whyNotHold(server, operation) : holds.all;
  return (
    <ConfirmedAct
      label={holds.suspend}
      acting={words.acting.suspend}
      observing={operation?.type === "suspend"}
      reason={reason}
      title={holds.suspendTitle(server.name)}
      notes={holds.suspendNotes}
      danger
      run={async () => onAccepted(await staffActs.suspend(server.id, hold!, note.trim()))}
    >
      <Choice
        legend={holds.why}
        name="hold"
        options={left.map((each) => ({ value: each, title: holds.names[each], detail: holds.told[each] }))}
        value={hold ?? ""}
        onChange={(value) => setChosen(value as Hold)}
        empty={holds.all}
      />
      <Field label={holds.note} help={holds.noteHelp} maxLength={255} value={note} onValueChange={setNote} />
    </ConfirmedAct>
  );
}
