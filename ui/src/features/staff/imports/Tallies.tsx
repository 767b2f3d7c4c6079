import { classes } from "@/lib/classes";
import { words } from "@/words";
import type { Tally } from "./report";

const { imports } = words.staff;
const columns = ["seen", "create", "update", "unchanged", "skip", "quarantine"] as const;

function shown(tally: Tally, column: (typeof columns)[number]): number {
  const value = tally[column];
  return typeof value === "number" ? value : Object.values(value).reduce((sum, count) => sum + count, 0);
}

/** How many rows of each entity come, change, stay, and are left out. */
export function Tallies({ entities }: { entities: Record<string, Tally> }) {
  return (
    <table className="w-full tabular-nums max-sm:block">
      <thead className="max-sm:sr-only">
        <tr className="text-small text-soft">
          <th scope="col" className="p-2 text-left font-medium">
            {imports.entity}
          </th>
          {columns.map((column) => (
            <th key={column} scope="col" className="p-2 text-right font-medium">
              {imports.columns[column]}
            </th>
          ))}
        </tr>
      </thead>
      <tbody className="ruled max-sm:block">
        {Object.entries(entities).map(([name, tally]) => (
          <tr key={name} className="max-sm:grid max-sm:grid-cols-3 max-sm:py-2">
            <th scope="row" className="p-2 text-left font-normal max-sm:col-span-3 max-sm:font-medium">
              {imports.names[name] ?? words.readable(name)}
            </th>
            {columns.map((column) => (
              <td
                key={column}
                data-label={imports.columns[column]}
                className={classes(
                  "p-2 text-right max-sm:grid max-sm:text-left max-sm:before:text-small max-sm:before:text-soft max-sm:before:content-[attr(data-label)]",
                  shown(tally, column) === 0 && "text-soft",
                )}
              >
                {shown(tally, column)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
