import { useQuery } from "@tanstack/react-query";
import { useState, type KeyboardEvent } from "react";
import { ApiError, describe } from "@/api/errors";
import { Unread } from "@/asking/Unread";
import { keyMistake } from "@/features/servers/access";
import { Button } from "@/ui/Button";
import { Check } from "@/ui/Check";
import { Failure } from "@/ui/Failure";
import { Field } from "@/ui/Field";
import { Skeleton } from "@/ui/Skeleton";
import { words } from "@/words";
import { keyQuery, useAddKey } from "./queries";

const said = words.keyChoice;

interface Props {
  chosen: readonly string[];
  onChange: (chosen: readonly string[]) => void;
  help: string;
  error?: string | undefined;
}

/** Which of the user's SSH keys may sign in; one that is missing is added in place, and chosen. */
export function KeyChoice({ chosen, onChange, help, error }: Props) {
  const keys = useQuery(keyQuery());
  const [adding, setAdding] = useState(false);
  const toggle = (id: string) => onChange(chosen.includes(id) ? chosen.filter((each) => each !== id) : [...chosen, id]);
  return (
    <fieldset className="grid gap-1">
      <legend className="mb-1 font-medium">{said.legend}</legend>
      <Unread title={said.failed} query={keys} />
      {keys.isPending ? <Skeleton rows={1} label={words.common.loading} /> : null}
      {keys.data?.map(({ id, name, fingerprint }) => (
        <Check key={id} label={name} help={fingerprint} checked={chosen.includes(id)} onChange={() => toggle(id)} />
      ))}
      {error ? (
        <p role="alert" className="text-small text-bad">
          {error}
        </p>
      ) : null}
      <p className="text-small text-soft">{help}</p>
      {adding ? (
        <AddKey
          onAdded={(id) => {
            setAdding(false);
            onChange([...chosen, id]);
          }}
          onClose={() => setAdding(false)}
        />
      ) : (
        <Button className="mt-1 justify-self-start" onClick={() => setAdding(true)}>
          {said.add}
        </Button>
      )}
    </fieldset>
  );
}

interface AddProps {
  onAdded: (id: string) => void;
  onClose: () => void;
}

/** Stands within a form and is none itself: Enter adds the key instead of sending that form. */
function AddKey({ onAdded, onClose }: AddProps) {
  const [name, setName] = useState("");
  const [text, setText] = useState("");
  const add = useAddKey();
  const wrong = keyMistake(text);
  const missing = name.trim() && text.trim() ? null : said.missing;
  const send = () => {
    if (missing || wrong || add.isPending) return;
    add.mutate({ name: name.trim(), public_key: text.trim() }, { onSuccess: ({ id }) => onAdded(id) });
  };
  const onEnter = (event: KeyboardEvent) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    send();
  };
  const refused = add.error instanceof ApiError ? add.error.field("/public_key") : undefined;
  return (
    <div className="card mt-1 grid gap-4 p-4">
      {add.error && !refused ? <Failure title={said.addFailed} {...describe(add.error)} /> : null}
      <Field
        label={said.name}
        maxLength={100}
        autoComplete="off"
        value={name}
        onValueChange={setName}
        onKeyDown={onEnter}
      />
      <Field
        label={said.key}
        help={said.keyHelp}
        error={wrong ?? refused}
        lines={3}
        mono
        spellCheck={false}
        autoComplete="off"
        value={text}
        onValueChange={setText}
        onKeyDown={onEnter}
      />
      <div className="flex flex-wrap gap-2">
        <Button busy={add.isPending} reason={missing ?? wrong ?? null} onClick={send}>
          {said.send}
        </Button>
        <Button kind="quiet" onClick={onClose}>
          {words.common.cancel}
        </Button>
      </div>
    </div>
  );
}
