import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { Server } from "@/api/types";
import { askServer } from "@/features/servers/queries";
import { inTurns, plan, waiting, type BulkAsk, type Outcome } from "./bulk";

const AT_ONCE = 4;

/** One action for many servers: begun by `run`, each with an outcome of its own. */
export function useBulk(asked: BulkAsk, servers: readonly Server[]) {
  const client = useQueryClient();
  const [outcomes, setOutcomes] = useState<Outcome[] | null>(null);
  const [busy, setBusy] = useState(false);
  const put = (outcome: Outcome) =>
    setOutcomes((now) => now?.map((old) => (old.server.id === outcome.server.id ? outcome : old)) ?? null);
  const ask = async (server: Server) => {
    try {
      const { operation } = await askServer(client, server.id, asked);
      put({ server, state: "accepted", operation: operation.id });
    } catch (error) {
      put({ server, state: "refused", error });
    }
  };
  const run = async () => {
    if (busy) return;
    const planned = plan(asked, servers);
    setOutcomes(planned);
    setBusy(true);
    await inTurns(waiting(planned), AT_ONCE, ask);
    setBusy(false);
  };
  return { outcomes, begun: outcomes !== null, busy, run: () => void run() };
}
