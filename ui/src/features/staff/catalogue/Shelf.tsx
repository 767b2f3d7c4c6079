import { useQuery, type InfiniteData, type UseInfiniteQueryResult } from "@tanstack/react-query";
import { useState, type ComponentType, type ReactNode } from "react";
import { ConfirmedAct } from "@/asking/ConfirmedAct";
import { Unread } from "@/asking/Unread";
import { useSearchParams } from "@/lib/location";
import { Check } from "@/ui/Check";
import { EmptyState } from "@/ui/EmptyState";
import { Field } from "@/ui/Field";
import { More } from "@/ui/More";
import { Skeleton } from "@/ui/Skeleton";
import { Time } from "@/ui/Time";
import { words } from "@/words";
import { shelfActs, shelfQueries, type Item, type Kind } from "./queries";

const { catalogue } = words.staff;

/** Whether those that are not offered are shown, too; kept in the URL. */
export function useRetired(): [boolean, (on: boolean) => void] {
  const [params, setParams] = useSearchParams();
  const change = (on: boolean) => setParams(on ? { retired: "true" } : {}, { replace: true });
  return [params.get("retired") === "true", change];
}

interface Props<T extends Item> {
  kind: Kind;
  label: string;
  list: UseInfiniteQueryResult<InfiniteData<{ data: T[] }>>;
  retired: [boolean, (on: boolean) => void];
  /** What tells one item from the others, a line each. */
  lines: (item: T) => readonly string[];
  /** The question in which an item is made, or changed when there is one. */
  Form: ComponentType<{ item?: T }>;
}

/** The items of one kind, with what staff may do with each. */
export function Shelf<T extends Item>({ kind, label, list, retired, lines, Form }: Props<T>) {
  const items = list.data?.pages.flatMap((page) => page.data);
  return (
    <>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <Check label={catalogue.showRetired} checked={retired[0]} onChange={retired[1]} />
        <Form />
      </div>
      <Unread title={words.staff.failed} query={list} />
      {list.isPending ? <Skeleton rows={3} label={words.common.loading} /> : null}
      {items?.length === 0 ? <EmptyState title={catalogue.none[kind]} help={catalogue.noneHelp} /> : null}
      {items && items.length > 0 ? (
        <ul aria-label={label} className="card ruled">
          {items.map((item) => (
            <Row key={item.id} kind={kind} item={item} lines={lines(item)} edit={<Form item={item} />} />
          ))}
        </ul>
      ) : null}
      <More list={list} />
    </>
  );
}

function Row({ kind, item, lines, edit }: { kind: Kind; item: Item; lines: readonly string[]; edit: ReactNode }) {
  const { name, key, listed, origin, updated_at, updated_by, reason } = item;
  return (
    <li className="flex flex-wrap items-start justify-between gap-x-6 gap-y-3 px-5 py-4">
      <div className="min-w-0 flex-1 basis-72 wrap-anywhere">
        <p className="flex flex-wrap items-baseline gap-x-2.5">
          <span className="font-medium">{name}</span>
          <span className="font-mono text-small text-soft">{key}</span>
          {listed ? null : <span className="text-small font-medium text-warn">{catalogue.retired}</span>}
        </p>
        {lines.map((line) => (
          <p key={line}>{line}</p>
        ))}
        <p className="text-small text-soft">
          {catalogue.origins[origin]}
          {origin === "staff" ? (
            <>
              {" · "}
              {catalogue.changed(updated_by?.name ?? null)} <Time at={updated_at} />
              {reason ? ` · ${catalogue.because(reason)}` : null}
            </>
          ) : null}
        </p>
      </div>
      {origin === "staff" ? (
        <div className="flex flex-wrap gap-2">
          {edit}
          <Offer kind={kind} item={item} />
        </div>
      ) : null}
    </li>
  );
}

function Offer({ kind, item }: { kind: Kind; item: Item }) {
  const [reason, setReason] = useState("");
  const { name, listed } = item;
  return (
    <ConfirmedAct
      label={listed ? catalogue.retire : catalogue.restore}
      acting={listed ? catalogue.retiring : catalogue.restoring}
      title={listed ? catalogue.retireTitle(name) : catalogue.restoreTitle(name)}
      notes={listed ? catalogue.retireNotes : catalogue.restoreNotes}
      about={name}
      danger={listed}
      run={() => shelfActs.offer(kind, item, !listed, reason.trim() || null)}
    >
      {listed ? <InUse kind={kind} id={item.id} /> : null}
      <Reason value={reason} onChange={setReason} />
    </ConfirmedAct>
  );
}

function InUse({ kind, id }: { kind: Kind; id: string }) {
  const use = useQuery(shelfQueries.one(kind, id)).data?.in_use;
  if (!use) return <p className="text-soft">{words.common.loading}</p>;
  return (
    <p>
      {catalogue.inUse(use.servers)} {use.servers > 0 ? catalogue.kept : null}{" "}
      {use.waiting > 0 ? catalogue.waiting(use.waiting) : null}
    </p>
  );
}

export function Reason({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  return (
    <Field
      label={catalogue.reason}
      help={catalogue.reasonHelp}
      maxLength={255}
      autoComplete="off"
      value={value}
      onValueChange={onChange}
    />
  );
}
