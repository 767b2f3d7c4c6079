import { lazy, Suspense, useState } from "react";
import { useUser } from "@/api/session";
import { words } from "@/words";
import { Button } from "@/ui/Button";
import { bulkActions, isForAny, type BulkAction } from "./bulk";
import type { Selection } from "./selection";

const BulkDialog = lazy(async () => ({ default: (await import("./BulkDialog")).BulkDialog }));

/** What can be done to the chosen servers at once; at the foot of the window while there are any. */
export function BulkBar({ selection }: { selection: Selection }) {
  const [asking, setAsking] = useState<BulkAction | null>(null);
  const { servers } = selection;
  const staff = useUser()?.role === "admin";
  if (servers.length === 0) return null;
  return (
    <section
      aria-label={words.bulk.title}
      className="card sticky bottom-4 z-10 flex flex-wrap items-center gap-2 p-3 shadow-float"
    >
      <p role="status" className="mr-auto px-1 font-medium">
        {words.bulk.chosen(servers.length)}
      </p>
      {bulkActions(staff).map((action) => (
        <Button
          key={action}
          reason={isForAny(action, servers) ? null : words.bulk.none}
          onClick={() => setAsking(action)}
        >
          {words.bulk.actions[action]}
        </Button>
      ))}
      <Button kind="quiet" onClick={() => selection.all(false)}>
        {words.bulk.clear}
      </Button>
      {asking ? (
        <Suspense fallback={null}>
          <BulkDialog action={asking} servers={servers} onClose={() => setAsking(null)} />
        </Suspense>
      ) : null}
    </section>
  );
}
