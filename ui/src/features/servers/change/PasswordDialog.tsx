import { useState } from "react";
import type { ServerAction } from "@/api/types";
import { passwordMistake } from "@/features/servers/access";
import { ActionForm, type Accepted } from "@/features/servers/acting/ActionForm";
import { KeyChoice } from "@/features/servers/keys/KeyChoice";
import { Button } from "@/ui/Button";
import { Choice } from "@/ui/Choice";
import { Copy } from "@/ui/Copy";
import { Dialog } from "@/ui/Dialog";
import { Field } from "@/ui/Field";
import { words } from "@/words";
import type { DialogProps } from "./dialog";

const { password: text } = words.change;

type How = "made" | "own" | "keys";

const hows: readonly { value: How; title: string; detail?: string }[] = [
  { value: "made", title: text.made, detail: text.madeDetail },
  { value: "own", title: text.own },
  { value: "keys", title: text.keys },
];

/** A new root password, made up or one's own, or other keys. What was made up is shown once, then gone from here. */
export function PasswordDialog({ open, ...props }: DialogProps) {
  const [made, setMade] = useState<string | null>(null);
  const close = () => {
    setMade(null);
    props.onClose();
  };
  const accepted = ({ operation, password }: Accepted) => {
    props.onAccepted(operation);
    if (password) setMade(password);
    else close();
  };
  return (
    <Dialog open={open} onClose={close} title={made ? text.shownTitle : text.title(props.server.name)}>
      {made ? (
        <Made password={made} onClose={close} />
      ) : (
        <Ask server={props.server} onClose={close} onAccepted={accepted} />
      )}
    </Dialog>
  );
}

function Made({ password, onClose }: { password: string; onClose: () => void }) {
  return (
    <div className="mt-4 grid gap-4">
      <p className="rounded-control bg-raised px-3 py-2">
        <Copy text={password} what={text.what} />
      </p>
      <p>{text.shownHelp}</p>
      <p className="text-soft">{text.whileBusy}</p>
      <Button kind="primary" className="justify-self-end" onClick={onClose}>
        {text.shownClose}
      </Button>
    </div>
  );
}

interface AskProps extends Pick<DialogProps, "server" | "onClose"> {
  onAccepted: (accepted: Accepted) => void;
}

function Ask({ server, onClose, onAccepted }: AskProps) {
  const [how, setHow] = useState<How>("made");
  const [password, setPassword] = useState("");
  const [keys, setKeys] = useState<readonly string[]>([]);
  const asks: Record<How, Extract<ServerAction, { type: "reset_password" }>> = {
    made: { type: "reset_password" },
    own: { type: "reset_password", password },
    keys: { type: "reset_password", ssh_key_ids: [...keys] },
  };
  const reasons: Record<How, string | null> = {
    made: null,
    own: password ? (passwordMistake(password) ?? null) : words.create.passwordShort(8),
    keys: keys.length > 0 ? null : text.keysNeeded,
  };
  return (
    <ActionForm server={server} ask={asks[how]} reason={reasons[how]} onClose={onClose} onAccepted={onAccepted}>
      {(error) => (
        <>
          <Choice
            name="how"
            legend={text.how}
            empty=""
            options={hows}
            value={how}
            onChange={(value) => setHow(value as How)}
          />
          {how === "own" ? (
            <Field
              label={text.password}
              type="password"
              autoComplete="new-password"
              error={passwordMistake(password) ?? error("/password")}
              value={password}
              onValueChange={setPassword}
            />
          ) : null}
          {how === "keys" ? (
            <KeyChoice chosen={keys} onChange={setKeys} help={text.keysHelp} error={error("/ssh_key_ids")} />
          ) : null}
          <p className="text-small text-soft">{text.note}</p>
        </>
      )}
    </ActionForm>
  );
}
