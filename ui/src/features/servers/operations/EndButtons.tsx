import { RotateCcw, X } from "lucide-react";
import { describe } from "@/api/errors";
import { useUser } from "@/api/session";
import type { Operation, Server } from "@/api/types";
import { useServerAction } from "@/features/servers/queries";
import { useOnlyLooks } from "@/features/servers/role";
import { Button } from "@/ui/Button";
import { Failure } from "@/ui/Failure";
import { words } from "@/words";
import { whyNotCancel, whyNotRetry } from "./ending";

interface Props {
  operation: Operation;
  server: Server;
  /** Whether it is the server's newest: only that one can be tried again. */
  newest: boolean;
}

/** Try again, or give up, where the operation's state leaves that open. */
export function EndButtons({ operation, server, newest }: Props) {
  const user = useUser();
  const end = useServerAction(server.id, () => undefined);
  const onlyLooks = useOnlyLooks(server);
  const said = (why: string | null | undefined) => (why === null ? onlyLooks : why);
  const retry = newest ? said(whyNotRetry(operation, server, user)) : undefined;
  const cancel = newest ? said(whyNotCancel(operation, user)) : undefined;
  const sent = end.isPending ? end.variables.type : null;
  const press = (type: "retry" | "cancel") => end.mutate({ type, operation: operation.id });
  if (retry === undefined && cancel === undefined) return null;
  return (
    <div className="grid gap-3">
      <div className="flex flex-wrap gap-2">
        {retry === undefined ? null : (
          <Button
            kind="primary"
            icon={<RotateCcw aria-hidden size={16} />}
            reason={retry}
            busy={sent === "retry"}
            onClick={() => press("retry")}
          >
            {sent === "retry" ? words.operation.retrying : words.operation.retry}
          </Button>
        )}
        {cancel === undefined ? null : (
          <Button
            icon={<X aria-hidden size={16} />}
            reason={cancel}
            busy={sent === "cancel"}
            onClick={() => press("cancel")}
          >
            {sent === "cancel" ? words.operation.cancelling : words.operation.cancel}
          </Button>
        )}
      </div>
      {retry || cancel ? <p className="text-small text-soft">{retry ?? cancel}</p> : null}
      {end.error ? <Failure title={words.operation.endFailed} {...describe(end.error)} /> : null}
    </div>
  );
}
