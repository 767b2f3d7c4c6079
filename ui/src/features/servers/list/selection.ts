import { useCallback, useMemo, useState } from "react";
import type { Server } from "@/api/types";

export interface Selection {
  ids: ReadonlySet<string>;
  /** The chosen servers, as they are now, in the order of the list. */
  servers: readonly Server[];
  toggle: (id: string) => void;
  /** All of the list as far as it is read, or none. */
  all: (chosen: boolean) => void;
}

/** The servers chosen from a list. What is no longer in the list is no longer chosen. */
export function useSelection(list: readonly Server[]): Selection {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  const servers = useMemo(() => (ids.size > 0 ? list.filter(({ id }) => ids.has(id)) : []), [list, ids]);
  const toggle = useCallback(
    (id: string) =>
      setIds((now) => {
        const next = new Set(now);
        if (!next.delete(id)) next.add(id);
        return next;
      }),
    [],
  );
  const all = (chosen: boolean) => setIds(new Set(chosen ? list.map(({ id }) => id) : []));
  return { ids, servers, toggle, all };
}
