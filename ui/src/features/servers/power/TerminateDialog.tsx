import { useState } from "react";
import type { Server } from "@/api/types";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Field } from "@/ui/Field";
import { words } from "@/words";

interface Props {
  server: Server;
  open: boolean;
  onClose: () => void;
  onConfirm: () => void;
}

/** Names what will be lost and asks for the server's name, typed. */
export function TerminateDialog({ server, open, onClose, onConfirm }: Props) {
  return (
    <Dialog open={open} onClose={onClose} title={words.terminate.title(server.name)}>
      <p className="mt-3">{words.terminate.intro}</p>
      <ul className="mt-2 grid list-disc gap-1 pl-5 text-soft">
        {words.terminate.consequences(server.ips.map((ip) => ip.address).join(", ")).map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      <Confirm name={server.name} onClose={onClose} onConfirm={onConfirm} />
    </Dialog>
  );
}

function Confirm({ name, onClose, onConfirm }: { name: string; onClose: () => void; onConfirm: () => void }) {
  const [typed, setTyped] = useState("");
  return (
    <form
      className="mt-5 grid gap-5"
      onSubmit={(event) => {
        event.preventDefault();
        if (typed === name) onConfirm();
      }}
    >
      <Field
        label={words.terminate.confirm(name)}
        autoComplete="off"
        spellCheck={false}
        value={typed}
        onValueChange={setTyped}
      />
      <div className="flex flex-wrap justify-end gap-2">
        <Button onClick={onClose}>{words.common.cancel}</Button>
        <Button type="submit" kind="danger" reason={typed === name ? null : words.terminate.mismatch(name)}>
          {words.actions.terminate}
        </Button>
      </div>
    </form>
  );
}
