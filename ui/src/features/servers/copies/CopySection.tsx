import type { DiskCopy } from "@/api/types";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Unread } from "@/asking/Unread";
import { whyNot } from "@/features/servers/actions";
import { useServerContext } from "@/asking/serverPage";
import { catalogueQueries } from "@/features/servers/queries";
import { useRole } from "@/features/servers/role";
import { Button } from "@/ui/Button";
import { Progress } from "@/ui/Progress";
import { Section } from "@/ui/Section";
import { Skeleton } from "@/ui/Skeleton";
import { words } from "@/words";
import { CopyRow } from "./CopyRow";
import { EndDialog, TakeDialog } from "./dialogs";
import { quotaOf, type Kind } from "./kinds";

export interface Asked {
  what: "restore" | "remove";
  copy: DiskCopy;
}

const copies = words.copies;

/** The copies of one kind: how many of how many, taking another, restoring and deleting each. */
export function CopySection({ kind }: { kind: Kind }) {
  const { server, operation, onAccepted } = useServerContext();
  const role = useRole(server);
  const list = useQuery(kind.query(server.id));
  const plans = useQuery(catalogueQueries.plans());
  const [taking, setTaking] = useState(false);
  const [asked, setAsked] = useState<Asked | null>(null);
  const [sent, setSent] = useState<(Asked & { operation: string }) | null>(null);
  const rows = list.data ?? [];
  const quota = quotaOf(kind, plans.data?.data, server);
  const why = whyNot(kind.take, server, operation, role) ?? (list.data ? whyFull(quota, rows.length) : copies.failed);
  const acting = operation?.type === kind.take;
  return (
    <Section title={kind.text.title}>
      <div className="flex flex-wrap items-start justify-between gap-3">
        <p className="min-w-0 flex-1 basis-64 text-soft">
          {kind.text.intro}
          {list.data ? <Used count={rows.length} quota={quota} /> : null}
        </p>
        <Button busy={acting} reason={acting ? null : why} onClick={() => setTaking(true)}>
          {acting ? words.acting[kind.take] : kind.text.take}
        </Button>
      </div>
      <Unread title={copies.failed} query={list} />
      {list.isPending ? <Skeleton rows={2} label={words.common.loading} /> : null}
      {acting ? <Progress value={operation.progress} label={words.operationType(kind.take)} /> : null}
      {list.data && rows.length === 0 && !acting ? (
        <div className="py-4 text-center">
          <p className="font-medium">{kind.text.empty}</p>
          <p className="text-soft">{kind.text.emptyHelp}</p>
        </div>
      ) : null}
      {rows.length > 0 ? (
        <ul aria-label={kind.text.title} className="ruled">
          {rows.map((copy) => (
            <CopyRow
              key={copy.id}
              kind={kind}
              copy={copy}
              going={sent?.copy.id === copy.id && sent.operation === server.current_operation ? sent.what : null}
              onAsk={(what) => setAsked({ what, copy })}
            />
          ))}
        </ul>
      ) : null}
      <TakeDialog kind={kind} open={taking} onClose={() => setTaking(false)} onAccepted={onAccepted} server={server} />
      <EndDialog
        kind={kind}
        asked={asked}
        server={server}
        onClose={() => setAsked(null)}
        onAccepted={(id) => {
          onAccepted(id);
          if (asked) setSent({ ...asked, operation: id });
        }}
      />
    </Section>
  );
}

function Used({ count, quota }: { count: number; quota: number | null }) {
  return (
    <span className="mt-1 block text-small">{quota === null ? copies.count(count) : copies.used(count, quota)}</span>
  );
}

function whyFull(quota: number | null, count: number): string | null {
  if (quota === null || count < quota) return null;
  return quota === 0 ? copies.notOffered : copies.full(quota);
}
