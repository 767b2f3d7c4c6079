import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { StaffAccountDetail } from "@/api/types";
import { ConfirmedAct } from "@/asking/ConfirmedAct";
import { Loaded } from "@/features/staff/Loaded";
import { Field } from "@/ui/Field";
import { Notes } from "@/ui/Notes";
import { Notice } from "@/ui/Notice";
import { words } from "@/words";
import { peopleActs, peopleQueries } from "./queries";

const { people } = words.staff;

/** Forgets a customer: it says what goes and what is kept, and takes the name, typed. */
export function Erase({ account }: { account: StaffAccountDetail }) {
  const [typed, setTyped] = useState("");
  // Asked by the question itself, once it is open.
  const preview = useQuery({ ...peopleQueries.erasure(account.id), enabled: false });
  const mismatch = typed === account.name ? null : words.terminate.mismatch(account.name);
  return (
    <div className="grid gap-3">
      <p className="text-soft">{people.eraseHelp}</p>
      <ConfirmedAct
        label={people.erase}
        acting={people.erasing}
        title={people.eraseTitle(account.name || words.members.unnamed)}
        notes={people.eraseNotes}
        danger
        missing={preview.data ? (preview.data.problem ?? mismatch) : words.common.loading}
        run={() => peopleActs.erase(account.id, typed)}
      >
        <Preview id={account.id} />
        <Field
          label={words.terminate.confirm(account.name)}
          autoComplete="off"
          spellCheck={false}
          value={typed}
          onValueChange={setTyped}
        />
      </ConfirmedAct>
    </div>
  );
}

function Preview({ id }: { id: string }) {
  const preview = useQuery(peopleQueries.erasure(id));
  return (
    <Loaded query={preview}>
      {({ problem, erased, kept, users, servers }) => (
        <div className="grid gap-3">
          {problem ? (
            <Notice tone="warn" urgent title={people.eraseNot}>
              {problem}
            </Notice>
          ) : null}
          <p>{people.eraseCount(users.length, servers)}</p>
          <div>
            <h3 className="font-medium">{people.erased}</h3>
            <Notes notes={erased} />
          </div>
          <div>
            <h3 className="font-medium">{people.kept}</h3>
            <Notes notes={kept} />
          </div>
        </div>
      )}
    </Loaded>
  );
}
