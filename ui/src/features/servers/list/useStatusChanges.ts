import { useEffect, useRef, useState } from "react";
import type { Server, ServerStatus } from "@/api/types";
import { words } from "@/words";

const SPOKEN_ONE_BY_ONE = 3;

function summary(changed: readonly Server[]): string {
  if (changed.length > SPOKEN_ONE_BY_ONE) return words.servers.manyChanged(changed.length);
  return changed.map(({ name, status }) => words.servers.changed(name, words.status[status])).join(". ");
}

/** A sentence on the servers whose status has just changed, for a polite live region. */
export function useStatusChanges(servers: readonly Server[]): string {
  const before = useRef(new Map<string, ServerStatus>());
  const [text, setText] = useState("");
  useEffect(() => {
    const known = before.current;
    const changed = servers.filter(({ id, status }) => known.has(id) && known.get(id) !== status);
    if (changed.length > 0) setText(summary(changed));
    before.current = new Map(servers.map(({ id, status }) => [id, status]));
  }, [servers]);
  return text;
}
