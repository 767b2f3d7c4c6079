import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useParams } from "wouter";
import type { Operation, Server } from "@/api/types";
import { serverQueries } from "@/features/servers/queries";
import { LoadedOperation } from "./LoadedOperation";

/**
 * The operation in progress, or the last if it went wrong; not the one whose own page this is. It stays when it
 * ends, until closed: how it went is the news.
 */
export function OperationCard({ server, accepted }: { server: Server; accepted: string | null }) {
  const { operation: own } = useParams();
  const [closed, setClosed] = useState<string | null>(null);
  const news = useNews(server, accepted);
  const id = server.current_operation ?? (news === closed ? null : news);
  if (!id || id === own) return null;
  return (
    // The same room in progress and at its end: what is below would move with what comes and goes in it.
    <div className="grid min-h-64">
      <LoadedOperation key={id} id={id} server={server} onClose={() => setClosed(news)} />
    </div>
  );
}

const wentWrong: readonly Operation["status"][] = ["failed", "needs_attention"];

/** The operation that was in progress last while this page was open; before there is one, the last to go wrong. */
function useNews(server: Server, accepted: string | null): string | null {
  const latest = useQuery(serverQueries.latestOperation(server.id)).data;
  const current = server.current_operation ?? accepted;
  const [seen, setSeen] = useState(current);
  if (current && current !== seen) setSeen(current);
  const wrong = latest && wentWrong.includes(latest.status) ? latest.id : null;
  return seen ?? wrong;
}
