import { useQuery } from "@tanstack/react-query";
import { describe, hasStatus } from "@/api/errors";
import type { Server } from "@/api/types";
import { serverQueries } from "@/features/servers/queries";
import { EmptyState } from "@/ui/EmptyState";
import { Failure } from "@/ui/Failure";
import { words } from "@/words";
import { OperationPanel } from "./OperationPanel";

/** An operation of a server by its id: read, and followed as it goes on. */
export function LoadedOperation({ id, server, onClose }: { id: string; server: Server; onClose?: () => void }) {
  // How the last one ended is known with the page.
  const latest = useQuery(serverQueries.latestOperation(server.id)).data;
  const placeholderData = latest?.id === id ? latest : undefined;
  const { data, error, refetch } = useQuery({ ...serverQueries.operation(id), placeholderData });
  if (data && data.resource.id === server.id)
    return <OperationPanel operation={data} server={server} onClose={onClose} />;
  if (data || hasStatus(error, 404)) return <EmptyState title={words.operation.gone} help={words.operation.goneHelp} />;
  return error ? <Failure title={words.operation.failed} {...describe(error)} onRetry={() => void refetch()} /> : null;
}
