import { useOutletContext } from "react-router";
import type { Operation, Server } from "@/api/types";

/** What a tab is given by the page it belongs to. */
export interface ServerContext {
  server: Server;
  /** The operation in progress, as far as it is known yet. */
  operation: Operation | undefined;
  /** Tells the page which operation was asked for here, so that it shows how it goes. */
  onAccepted: (operation: string) => void;
}

export const useServerContext = () => useOutletContext<ServerContext>();

/** The server whose page this tab belongs to. */
export const useServer = () => useServerContext().server;
