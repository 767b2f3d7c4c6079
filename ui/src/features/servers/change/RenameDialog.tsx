import { useState } from "react";
import { nameMistake } from "@/features/servers/access";
import { ActionForm } from "@/features/servers/acting/ActionForm";
import { Dialog } from "@/ui/Dialog";
import { Field } from "@/ui/Field";
import { words } from "@/words";
import type { DialogProps } from "./dialog";

const { rename } = words.change;

export function RenameDialog({ open, ...props }: DialogProps) {
  return (
    <Dialog open={open} onClose={props.onClose} title={rename.title(props.server.name)}>
      <Rename {...props} />
    </Dialog>
  );
}

function Rename({ server, onClose, onAccepted }: Omit<DialogProps, "open">) {
  const [name, setName] = useState(server.name);
  const wrong = nameMistake(name) ?? (name ? null : words.create.nameHelp);
  return (
    <ActionForm
      server={server}
      ask={{ type: "rename", name }}
      reason={wrong ?? (name === server.name ? rename.same : null)}
      onClose={onClose}
      onAccepted={({ operation }) => {
        onAccepted(operation);
        onClose();
      }}
    >
      {(error) => (
        <Field
          label={rename.name}
          help={rename.note}
          error={nameMistake(name) ?? error("/name")}
          value={name}
          onValueChange={setName}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
        />
      )}
    </ActionForm>
  );
}
