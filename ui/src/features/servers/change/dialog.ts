import type { Server } from "@/api/types";

/** What every dialog about a server is given. */
export interface DialogProps {
  server: Server;
  open: boolean;
  onClose: () => void;
  /** The operation that was asked for in it. */
  onAccepted: (operation: string) => void;
}
