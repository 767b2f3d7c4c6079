import { useState, type FormEvent } from "react";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Field } from "@/ui/Field";
import { words } from "@/words";

const { views: said } = words.servers;

/** Asks for the name of a view. */
export function SaveView(props: { open: boolean; onClose: () => void; onSave: (name: string) => void }) {
  const [name, setName] = useState("");
  const close = () => {
    setName("");
    props.onClose();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!name.trim()) return;
    props.onSave(name.trim());
    close();
  };
  return (
    <Dialog open={props.open} onClose={close} title={said.save}>
      <form className="mt-4 grid gap-5" onSubmit={submit} noValidate>
        <Field
          label={said.name}
          help={said.help}
          autoComplete="off"
          maxLength={60}
          value={name}
          onValueChange={setName}
        />
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={close}>{words.common.cancel}</Button>
          <Button type="submit" kind="primary" reason={name.trim() ? null : said.nameMissing}>
            {said.keep}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
