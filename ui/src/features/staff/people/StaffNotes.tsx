import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { Link } from "wouter";
import type { Note } from "@/api/types";
import { ConfirmedAct } from "@/asking/ConfirmedAct";
import { Saving } from "@/asking/Saving";
import { Loaded } from "@/features/staff/Loaded";
import { paths } from "@/paths";
import { Field } from "@/ui/Field";
import { Section } from "@/ui/Section";
import { Time } from "@/ui/Time";
import { words } from "@/words";
import { peopleActs, peopleQueries } from "./queries";

const said = words.staff.people.notes;

interface Props {
  account: string;
  /** Only what is noted about this server. */
  server?: string;
}

/** What staff know of a customer, or of one server, that is written down nowhere else. */
export function StaffNotes({ account, server }: Props) {
  const notes = useQuery(peopleQueries.notes(account, server));
  return (
    <Section title={said.title}>
      <p className="text-soft">{said.help}</p>
      <Loaded query={notes}>{({ data }) => <List account={account} server={server} notes={data} />}</Loaded>
      <Write account={account} {...(server ? { server } : {})} />
    </Section>
  );
}

function List({ account, server, notes }: { account: string; server: string | undefined; notes: Note[] }) {
  if (notes.length === 0) return <p className="text-soft">{said.none}</p>;
  return (
    <ul aria-label={said.title} className="grid ruled">
      {notes.map((note) => (
        <li key={note.id} className="grid gap-2 py-3 first:pt-0">
          <p className="whitespace-pre-wrap wrap-anywhere">{note.text}</p>
          <div className="flex flex-wrap items-center justify-between gap-x-6 gap-y-2 text-small text-soft">
            <span>
              {note.author.name} · <Time at={note.created_at} />
              {note.server && !server ? <About server={note.server} /> : null}
            </span>
            <ConfirmedAct
              label={said.remove}
              acting={said.removing}
              about={note.text}
              title={said.removeTitle}
              notes={said.removeNotes}
              run={() => peopleActs.removeNote(account, note.id)}
            />
          </div>
        </li>
      ))}
    </ul>
  );
}

function About({ server }: { server: string }) {
  return (
    <>
      {" · "}
      <Link className="link" to={paths.server(server)}>
        {said.aboutServer}
      </Link>
    </>
  );
}

function Write({ account, server }: Props) {
  const [text, setText] = useState("");
  const client = useQueryClient();
  const write = useMutation({
    mutationFn: () => peopleActs.writeNote(account, text.trim(), server),
    onSuccess: async () => {
      setText("");
      await client.invalidateQueries({ queryKey: ["staff", "notes"] });
    },
  });
  const missing = text.trim() ? null : said.missing;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!missing && !write.isPending) write.mutate();
  };
  return (
    <form className="grid gap-4" onSubmit={submit} noValidate>
      <Field label={said.label} lines={3} maxLength={4000} value={text} onValueChange={setText} />
      <Saving save={said.save} saving={said.saving} failed={said.failed} change={write} reason={missing} />
    </form>
  );
}
