import type { Server } from "@/api/types";
import { ActionForm } from "@/features/servers/acting/ActionForm";
import { Dialog } from "@/ui/Dialog";
import { Notes } from "@/ui/Notes";
import { words } from "@/words";

interface Props {
  server: Server;
  open: boolean;
  onClose: () => void;
  onAccepted: (operation: string) => void;
}

/** Names what will be lost and asks for the server's name, typed. */
export function TerminateDialog({ server, open, onClose, onAccepted }: Props) {
  return (
    <Dialog open={open} onClose={onClose} title={words.terminate.title(server.name)}>
      <p className="mt-3">{words.terminate.intro}</p>
      <Notes notes={words.terminate.consequences(server.ips.map((ip) => ip.address).join(", "))} />
      <ActionForm
        server={server}
        ask={{ type: "terminate" }}
        typedName
        danger
        onClose={onClose}
        onAccepted={({ operation }) => {
          onAccepted(operation);
          onClose();
        }}
      />
    </Dialog>
  );
}
