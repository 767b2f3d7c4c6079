import type { DiskCopy } from "@/api/types";
import { useState } from "react";
import { ActionForm } from "@/features/servers/acting/ActionForm";
import type { DialogProps } from "@/features/servers/change/dialog";
import { Dialog } from "@/ui/Dialog";
import { Field } from "@/ui/Field";
import { Notes, TIME } from "@/ui/Notes";
import { words } from "@/words";
import { nameOf, type Kind } from "./kinds";

type TakeProps = DialogProps & { kind: Kind };

export function TakeDialog({ kind, open, ...props }: TakeProps) {
  return (
    <Dialog open={open} onClose={props.onClose} title={kind.text.takeTitle}>
      <Notes notes={kind.text.takeNotes} />
      <Take kind={kind} {...props} />
    </Dialog>
  );
}

function Take({ kind, server, onClose, onAccepted }: Omit<TakeProps, "open">) {
  const [name, setName] = useState("");
  return (
    <ActionForm
      server={server}
      ask={{ type: kind.take, name: name.trim() }}
      onClose={onClose}
      onAccepted={({ operation }) => {
        onAccepted(operation);
        onClose();
      }}
    >
      {(error) => (
        <Field
          label={words.copies.name}
          help={words.copies.nameHelp}
          error={error("/name")}
          maxLength={255}
          autoComplete="off"
          value={name}
          onValueChange={setName}
        />
      )}
    </ActionForm>
  );
}

interface EndProps extends Omit<DialogProps, "open"> {
  kind: Kind;
  asked: { what: "restore" | "remove"; copy: DiskCopy } | null;
}

/** Restoring asks for the server's name, for it overwrites; deleting does not, for the server is not touched. */
export function EndDialog({ kind, asked, server, onClose, onAccepted }: EndProps) {
  const restore = asked?.what === "restore";
  const name = asked ? nameOf(asked.copy) : "";
  const { text } = kind;
  return (
    <Dialog open={asked !== null} onClose={onClose} title={restore ? text.restoreTitle(name) : text.deleteTitle(name)}>
      <Notes notes={restore ? text.restoreNotes(TIME) : text.deleteNotes} at={asked?.copy.created_at} />
      {asked ? (
        <ActionForm
          server={server}
          ask={kind.about(asked.what, asked.copy.id)}
          typedName={restore}
          danger
          onClose={onClose}
          onAccepted={({ operation }) => {
            onAccepted(operation);
            onClose();
          }}
        />
      ) : null}
    </Dialog>
  );
}
