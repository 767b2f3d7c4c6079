import { createContext, useContext } from "react";
import type { Operation, Server } from "@/api/types";

/** What a tab is given by the page it belongs to. */
export interface ServerContext {
  server: Server;
  /** The operation in progress, as far as it is known yet. */
  operation: Operation | undefined;
  /** Tells the page which operation was asked for here, so that it shows how it goes. */
  onAccepted: (operation: string) => void;
}

export const OfServer = createContext<ServerContext | null>(null);

export function useServerContext(): ServerContext {
  const given = useContext(OfServer);
  if (!given) throw new Error("only a tab of a server's page is given a server");
  return given;
}

/** The server whose page this tab belongs to. */
export const useServer = () => useServerContext().server;
