import { HardDriveDownload, Play, Power, RotateCw, Square, Trash2, Undo2, type LucideIcon } from "lucide-react";
import { useState } from "react";
import { describe } from "@/api/errors";
import type { Operation, Server } from "@/api/types";
import { Button } from "@/ui/Button";
import { Failure } from "@/ui/Failure";
import { Later } from "@/ui/Later";
import { words } from "@/words";
import { offered, whyNot, type RailAction } from "@/features/servers/actions";
import { RebuildDialog, TerminateDialog } from "@/features/servers/change/dialogs";
import { useCurrentOperation, useServerAction } from "@/features/servers/queries";
import { useRole } from "@/features/servers/role";

const icons: Record<RailAction, LucideIcon> = {
  start: Play,
  shutdown: Square,
  reboot: RotateCw,
  stop: Power,
  rebuild: HardDriveDownload,
  terminate: Trash2,
  restore: Undo2,
};

export function PowerRail({ server, onAccepted }: { server: Server; onAccepted: (operation: string) => void }) {
  const operation = useCurrentOperation(server);
  const [asking, setAsking] = useState<RailAction | null>(null);
  const ask = useServerAction(server.id, onAccepted);
  const [hint, setHint] = useState<string | null>(null);
  const press = (action: RailAction) => {
    setHint(null);
    if (action === "terminate" || action === "rebuild") setAsking(action);
    else ask.mutate({ type: action });
  };
  const sent = ask.isPending ? (ask.variables.type as RailAction) : null;
  const questions = { server, onClose: () => setAsking(null), onAccepted };
  return (
    <div className="grid min-w-0 gap-3 max-sm:w-full">
      <div
        role="group"
        aria-label={words.server.power}
        className="grid grid-cols-2 gap-2 min-[23.5rem]:max-sm:grid-cols-3 sm:flex sm:flex-wrap"
      >
        {offered(server, operation).map((action) => (
          <ActionButton
            key={action}
            action={action}
            server={server}
            operation={operation}
            sent={sent}
            onPress={() => press(action)}
            onRefused={setHint}
          />
        ))}
      </div>
      <p role="status" className="text-small text-soft empty:hidden">
        {hint}
      </p>
      {ask.error ? (
        <Failure
          title={words.server.actionFailed(words.actions[ask.variables.type as RailAction])}
          {...describe(ask.error)}
        />
      ) : null}
      <Later open={asking === "rebuild"}>
        <RebuildDialog {...questions} open={asking === "rebuild"} />
      </Later>
      <Later open={asking === "terminate"}>
        <TerminateDialog {...questions} open={asking === "terminate"} />
      </Later>
    </div>
  );
}

interface ActionButtonProps {
  action: RailAction;
  server: Server;
  operation: Operation | undefined;
  /** The action on its way to the service, if any. */
  sent: RailAction | null;
  onPress: () => void;
  onRefused: (reason: string) => void;
}

function ActionButton({ action, server, operation, sent, onPress, onRefused }: ActionButtonProps) {
  const Icon = icons[action];
  const role = useRole(server);
  const acting = sent === action || operation?.type === action;
  const why = whyNot(action, server, operation, role);
  const reason = acting || sent === null ? why : words.whyNot.busy(words.actions[sent]);
  return (
    <Button
      kind={action === "terminate" ? "danger" : "plain"}
      icon={<Icon aria-hidden size={16} />}
      busy={acting}
      reason={acting ? null : reason}
      className="max-sm:px-1 max-sm:whitespace-normal max-sm:only-of-type:col-span-full md:max-lg:px-2.5"
      onClick={onPress}
      onRefused={onRefused}
    >
      {acting ? words.acting[action] : words.actions[action]}
    </Button>
  );
}
