import { ArrowDown, ArrowUp } from "lucide-react";
import { memo, useCallback, useEffect, type ReactNode, type Ref } from "react";
import type { Server } from "@/api/types";
import { isTyping, plainKey } from "@/lib/keyboard";
import { classes } from "@/lib/classes";
import { words } from "@/words";
import { layouts, type Column, type Layout } from "./columns";
import type { Sort } from "./filters";
import type { Selection } from "./selection";
import { useRows } from "./useRows";
import { useStatusChanges } from "./useStatusChanges";

interface Props {
  servers: readonly Server[];
  /** Whether these are those of the filters before, until those of now are read. */
  outdated: boolean;
  /** How many there are, where that is known: the list is read on as it is scrolled. */
  total: number | undefined;
  sort: Sort | undefined;
  onSort: (sort: Sort) => void;
  staff: boolean;
  selection: Selection;
  onEnd: () => void;
}

const STEPS: Record<string, number> = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 };
/** So many rows before the end of what is read, more is asked for. */
const READ_AHEAD = 30;

/**
 * A table on wide screens, cards on narrow ones, of which only the rows in sight are on the page. The roles are
 * spelled out because a table that is not displayed as one loses them.
 */
export function ServersTable({
  servers,
  outdated,
  total,
  sort = "-created_at",
  onSort,
  staff,
  selection,
  onEnd,
}: Props) {
  const layout = layouts[staff ? "all" : "own"];
  const keyOf = useCallback((index: number) => servers[index]?.id ?? String(index), [servers]);
  const { wide, body, rows, height, active, setActive, move, measure } = useRows(servers.length, keyOf);
  const last = rows.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= servers.length - READ_AHEAD) onEnd();
  }, [last, servers.length, onEnd]);
  useKeys({ active, move, toggle: (index) => selection.toggle(servers[index]?.id ?? "") });
  return (
    <>
      <p role="status" className="sr-only">
        {useStatusChanges(servers)}
      </p>
      <table
        role="table"
        aria-label={words.servers.title}
        aria-rowcount={total === undefined ? -1 : total + 1}
        aria-describedby="servers-keys"
        aria-busy={outdated}
        className="block w-full aria-busy:opacity-60 xl:card"
      >
        <Head
          {...selection}
          columns={layout.columns}
          grid={layout.grid}
          sort={sort}
          onSort={onSort}
          servers={servers}
        />
        <tbody ref={body} role="rowgroup" className="relative block" style={{ height }}>
          {rows.map(({ index, start }) => (
            <Row
              key={keyOf(index)}
              server={servers[index]!}
              index={index}
              start={start}
              layout={layout}
              wide={wide}
              chosen={selection.ids.has(servers[index]!.id)}
              onToggle={selection.toggle}
              onFocus={setActive}
              measure={measure}
            />
          ))}
        </tbody>
      </table>
      <p id="servers-keys" className="text-small text-soft max-xl:sr-only">
        {words.servers.keys}
      </p>
    </>
  );
}

interface HeadProps extends Pick<Selection, "ids" | "all"> {
  columns: readonly Column[];
  grid: string;
  sort: Sort;
  onSort: (sort: Sort) => void;
  servers: readonly Server[];
}

function Head({ columns, grid, sort, onSort, servers, ids, all }: HeadProps) {
  const every = servers.length > 0 && servers.every(({ id }) => ids.has(id));
  return (
    <thead role="rowgroup" className="block max-xl:sr-only">
      <tr role="row" aria-rowindex={1} className={grid}>
        <th role="columnheader" scope="col" className="px-3 py-2.5">
          <input
            type="checkbox"
            aria-label={words.bulk.chooseAll}
            checked={every}
            onChange={() => all(!every)}
            className="size-4 accent-accent"
          />
        </th>
        {columns.map((column) => (
          <th
            key={column.key}
            role="columnheader"
            scope="col"
            aria-sort={direction(column, sort)}
            className="px-3 py-2.5 text-left text-small font-medium whitespace-nowrap text-soft"
          >
            <Heading column={column} sort={sort} onSort={onSort} />
          </th>
        ))}
      </tr>
    </thead>
  );
}

function Heading({ column, sort, onSort }: { column: Column; sort: Sort; onSort: (sort: Sort) => void }) {
  const text = words.servers.columns[column.key];
  if (!column.sort) return text;
  const now = direction(column, sort);
  const next = now === "ascending" ? (`-${column.sort}` as const) : column.sort;
  const Arrow = now === "ascending" ? ArrowUp : ArrowDown;
  return (
    <button type="button" onClick={() => onSort(next)} className="inline-flex items-center gap-1 hover:text-ink">
      {text}
      {now ? <Arrow aria-hidden size={14} /> : null}
    </button>
  );
}

function direction({ sort: field }: Column, sort: Sort): "ascending" | "descending" | undefined {
  if (!field || !sort.endsWith(field)) return undefined;
  return sort.startsWith("-") ? "descending" : "ascending";
}

interface RowProps {
  server: Server;
  index: number;
  /** Px below the beginning of the list. */
  start: number;
  layout: Layout;
  wide: boolean;
  chosen: boolean;
  onToggle: (id: string) => void;
  onFocus: (index: number) => void;
  measure: Ref<HTMLTableRowElement>;
}

/** Drawn anew only when something of it has changed: scrolling draws only the rows that come. */
const Row = memo(function Row({ server, index, start, layout, wide, chosen, onToggle, onFocus, measure }: RowProps) {
  return (
    <tr
      ref={measure}
      data-index={index}
      data-key={server.id}
      role="row"
      aria-rowindex={index + 2}
      onFocus={() => onFocus(index)}
      style={{ transform: `translateY(${start}px)` }}
      className={classes(
        "card group absolute inset-x-0 top-0 grid gap-x-10 gap-y-1.5 p-4 pl-12 hover:bg-raised",
        "md:grid-cols-2",
        "xl:items-start xl:gap-0 xl:rounded-none xl:border-0 xl:border-t xl:p-0",
        chosen ? "bg-raised" : "xl:bg-transparent",
        layout.grid,
      )}
    >
      <td role="cell" className="absolute top-4 left-4 z-10 xl:static xl:px-3 xl:py-3">
        <input
          type="checkbox"
          aria-label={words.bulk.choose(server.name)}
          checked={chosen}
          onChange={() => onToggle(server.id)}
          className="relative z-10 mt-1 size-4 accent-accent"
        />
      </td>
      {layout.columns.map(({ key, cell }) => (
        <td
          key={key}
          role="cell"
          className="flex min-w-0 items-baseline gap-4 wrap-break-word xl:block xl:px-3 xl:py-3"
        >
          {/* The fewer elements a row is made of, the sooner the browser is done with those that are scrolled to. */}
          {wide ? cell(server) : <Labelled column={key}>{cell(server)}</Labelled>}
        </td>
      ))}
    </tr>
  );
});

/** A value of a card, after what it is where it does not speak for itself. */
function Labelled({ column, children }: { column: Column["key"]; children: ReactNode }) {
  return (
    <>
      {column === "name" || column === "status" ? null : (
        <span aria-hidden className="w-18 shrink-0 text-small text-soft">
          {words.servers.columns[column]}
        </span>
      )}
      <div className="min-w-0">{children}</div>
    </>
  );
}

interface Keys {
  active: number;
  move: (index: number) => void;
  toggle: (index: number) => void;
}

/** Arrows or j and k move from row to row, x chooses; the first of them works while nothing has the focus, too. */
function useKeys({ active, move, toggle }: Keys) {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (!plainKey(event) || isTyping(event.target) || !isHere(event)) return;
      const step = STEPS[event.key];
      if (step) move(active < 0 ? 0 : active + step);
      else if (event.key === "x" && active >= 0) toggle(active);
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  });
}

/** Pressed in a row; or on nothing, where arrows scroll. */
function isHere({ target, key }: KeyboardEvent): boolean {
  if (target === document.body) return key === "j" || key === "k";
  return target instanceof Element && target.closest("tbody") !== null;
}
