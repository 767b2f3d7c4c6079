import { useState, type FormEvent, type ReactNode } from "react";
import { ApiError, describe } from "@/api/errors";
import type { Server } from "@/api/types";
import { whyNot, type Action } from "@/features/servers/actions";
import { useCurrentOperation, useServerAction, type Ask } from "@/features/servers/queries";
import { useRole } from "@/features/servers/role";
import { Button } from "@/ui/Button";
import { Failure } from "@/ui/Failure";
import { Field } from "@/ui/Field";
import { words } from "@/words";

export interface Accepted {
  operation: string;
  /** A password that was made up, shown this once. */
  password: string | null;
}

interface Props {
  server: Server;
  ask: Ask & { type: Action };
  /** Why what was filled in cannot be sent yet. */
  reason?: string | null;
  /** Asks for the server's name, typed. */
  typedName?: boolean;
  danger?: boolean;
  onClose: () => void;
  onAccepted: (accepted: Accepted) => void;
  /** The fields; `error` gives what the service said of one, by JSON pointer. */
  children?: (error: (pointer: string) => string | undefined) => ReactNode;
}

/** Asks for an action with what it needs. Refused, it keeps what was filled in and says why. */
export function ActionForm({ server, ask, reason, typedName, danger, onClose, onAccepted, children }: Props) {
  const operation = useCurrentOperation(server);
  const role = useRole(server);
  const [typed, setTyped] = useState("");
  const act = useServerAction(server.id, () => undefined);
  const unnamed = typedName && typed !== server.name ? words.terminate.mismatch(server.name) : null;
  const why = reason ?? whyNot(ask.type, server, operation, role) ?? unnamed;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (why || act.isPending) return;
    act.mutate(ask, {
      onSuccess: (answer) =>
        onAccepted({
          operation: answer.operation.id,
          password: ("password" in answer ? answer.password : null) ?? null,
        }),
    });
  };
  const error = (pointer: string) => (act.error instanceof ApiError ? act.error.field(pointer) : undefined);
  return (
    <form className="mt-4 grid gap-5" onSubmit={submit} noValidate>
      {children?.(error)}
      {typedName ? (
        <Field
          label={words.terminate.confirm(server.name)}
          autoComplete="off"
          spellCheck={false}
          value={typed}
          onValueChange={setTyped}
        />
      ) : null}
      {act.error ? (
        <Failure title={words.server.actionFailed(words.actions[ask.type])} {...describe(act.error)} />
      ) : null}
      <p role="status" className="text-small text-soft empty:hidden">
        {act.isPending ? null : why}
      </p>
      <div className="flex flex-wrap justify-end gap-2">
        <Button onClick={onClose}>{words.common.cancel}</Button>
        <Button
          type="submit"
          kind={danger ? "danger" : "primary"}
          busy={act.isPending}
          reason={act.isPending ? null : why}
        >
          {act.isPending ? words.acting[ask.type] : words.actions[ask.type]}
        </Button>
      </div>
    </form>
  );
}
