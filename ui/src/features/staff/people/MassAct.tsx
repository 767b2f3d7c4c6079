import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { describe } from "@/api/errors";
import type { MassResult, StaffAccountDetail } from "@/api/types";
import { HOLDS, type Hold } from "@/api/holding";
import { Unread } from "@/asking/Unread";
import { Button } from "@/ui/Button";
import { Choice } from "@/ui/Choice";
import { Dialog } from "@/ui/Dialog";
import { Failure } from "@/ui/Failure";
import { Field } from "@/ui/Field";
import { Notes } from "@/ui/Notes";
import { Skeleton } from "@/ui/Skeleton";
import { words } from "@/words";
import { peopleActs, peopleQueries, type Mass } from "./queries";

const { people, holds } = words.staff;

interface Props {
  account: StaffAccountDetail;
  type: Mass;
}

/** Suspends all servers of a customer for a reason, or lifts it: first it says for each what would become of it. */
export function MassAct({ account, type }: Props) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button reason={account.server_count > 0 ? null : people.noServers} onClick={() => setOpen(true)}>
        {people.mass[type].label}
      </Button>
      {open ? <MassDialog account={account} type={type} onClose={() => setOpen(false)} /> : null}
    </>
  );
}

function MassDialog({ account, type, onClose }: Props & { onClose: () => void }) {
  const said = people.mass[type];
  const [reason, setReason] = useState<Hold>("non_payment");
  const [note, setNote] = useState("");
  const client = useQueryClient();
  const preview = useQuery(peopleQueries.mass(account.id, type, reason));
  const act = useMutation({
    mutationFn: () => peopleActs.mass(account.id, type, { reason, note: note.trim() }),
    onSuccess: () => client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[1] !== "mass" }),
  });
  const none = preview.data?.asked === 0 ? people.noneAffected : null;
  return (
    <Dialog open onClose={onClose} title={said.title(account.name || words.members.unnamed)}>
      {act.data ? (
        <Outcomes result={act.data} />
      ) : (
        <div className="mt-2 grid gap-5">
          <Notes notes={said.notes} />
          <Choice
            legend={holds.why}
            name="reason"
            options={HOLDS.map((hold) => ({ value: hold, title: holds.names[hold] }))}
            value={reason}
            onChange={(value) => setReason(value as Hold)}
            empty=""
          />
          {type === "suspend" ? (
            <Field label={holds.note} help={holds.noteHelp} maxLength={255} value={note} onValueChange={setNote} />
          ) : null}
          <Unread title={people.previewFailed} query={preview} />
          {preview.data ? <Outcomes result={preview.data} /> : <Skeleton rows={2} label={words.common.loading} />}
          {act.error ? <Failure title={words.staff.notAccepted(said.label)} {...describe(act.error)} /> : null}
        </div>
      )}
      <div className="mt-5 flex flex-wrap justify-end gap-2">
        <Button onClick={onClose}>{act.data ? words.bulk.close : words.common.cancel}</Button>
        {act.data ? null : (
          <Button
            kind="danger"
            busy={act.isPending}
            reason={preview.data ? none : words.common.loading}
            onClick={() => act.mutate()}
          >
            {act.isPending ? said.acting : said.confirm(preview.data?.asked ?? 0)}
          </Button>
        )}
      </div>
    </Dialog>
  );
}

/** Server by server what becomes of it, or would. */
function Outcomes({ result }: { result: MassResult }) {
  const sentence = result.dry_run ? people.would(result.asked, result.refused) : people.asked(result.asked);
  const accepted = result.dry_run ? words.bulk.willBe : words.bulk.asked;
  return (
    <div className="mt-2 grid gap-3">
      <p role="status">{sentence}</p>
      <ul aria-label={words.bulk.outcomes} className="grid max-h-60 gap-2 overflow-y-auto">
        {result.outcomes.map(({ server, name, refused }) => (
          <li key={server} className="grid gap-x-4 sm:grid-cols-2">
            <span className="font-medium wrap-anywhere">{name}</span>
            <span className="text-soft wrap-anywhere">{refused ? words.bulk.left(refused) : accepted}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
