import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Unread } from "@/asking/Unread";
import { staffQueries } from "@/features/staff/queries";
import { useSearchParams } from "@/lib/location";
import { EmptyState } from "@/ui/EmptyState";
import { More } from "@/ui/More";
import { Select } from "@/ui/Select";
import { Small } from "@/ui/Small";
import { Skeleton } from "@/ui/Skeleton";
import { words } from "@/words";
import { operationTypes } from "@/words/operations";
import { readFilters, type Filters } from "./filters";
import { Row } from "./Row";

const { operationsPage } = words.staff;
const states = Object.entries(operationsPage.states).map(([value, label]) => ({ value, label }));
const types = [
  { value: "", label: operationsPage.anyType },
  ...Object.entries(operationTypes).map(([value, label]) => ({ value, label })),
];

/** The operations of all servers, narrowed by the URL, with what staff may decide about each. */
export function OperationsPage() {
  const [params, setParams] = useSearchParams();
  const filters = readFilters(params);
  const list = useInfiniteQuery(staffQueries.allOperations(filters));
  const operations = list.data?.pages.flatMap((page) => page.data);
  const change = (name: keyof Filters, value: string) => {
    const next = new URLSearchParams(params);
    if (value) next.set(name, value);
    else next.delete(name);
    setParams(next, { replace: true });
  };
  return (
    <>
      <Toolbar filters={filters} onChange={change} />
      <Unread title={words.staff.failed} query={list} />
      {list.isPending ? <Skeleton rows={4} label={words.common.loading} /> : null}
      {operations?.length === 0 ? <EmptyState title={operationsPage.none} help={operationsPage.noneHelp} /> : null}
      {operations && operations.length > 0 ? (
        <ul aria-label={operationsPage.list} className="card ruled">
          {operations.map((operation) => (
            <Row key={operation.id} operation={operation} />
          ))}
        </ul>
      ) : null}
      <More list={list} />
    </>
  );
}

interface Props {
  filters: Filters;
  onChange: (name: keyof Filters, value: string) => void;
}

function Toolbar({ filters, onChange }: Props) {
  const names = useQuery(staffQueries.clusters()).data?.data.map(({ name }) => name) ?? [];
  const given = filters.cluster && !names.includes(filters.cluster) ? [filters.cluster] : [];
  const clusters = [...names, ...given].map((name) => ({ value: name, label: name }));
  return (
    <div role="search" className="grid grid-cols-2 items-end gap-3 sm:grid-cols-4">
      <Select
        label={operationsPage.status}
        value={filters.status ?? "any"}
        options={states}
        onChange={(status) => onChange("status", status === "open" ? "" : status)}
      />
      <Select
        label={operationsPage.type}
        value={filters.type ?? ""}
        options={types}
        onChange={(type) => onChange("type", type)}
      />
      <Select
        label={operationsPage.cluster}
        value={filters.cluster ?? ""}
        options={[{ value: "", label: operationsPage.anyCluster }, ...clusters]}
        onChange={(cluster) => onChange("cluster", cluster)}
      />
      <Small
        label={operationsPage.node}
        placeholder={operationsPage.nodeHelp}
        value={filters.node ?? ""}
        onChange={(node) => onChange("node", node)}
      />
    </div>
  );
}
