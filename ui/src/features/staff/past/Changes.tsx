import type { ServerPast } from "@/api/types";
import { words } from "@/words";
import { readable } from "@/words/readable";

const { past } = words.staff;

/** Field by field what is not as it was. */
export function Changes({ changes, gone }: { changes: ServerPast["changes"]; gone: boolean }) {
  if (gone) return <p>{past.goneNow}</p>;
  if (changes.length === 0) return <p className="text-soft">{past.same}</p>;
  return (
    <div className="overflow-x-auto">
      <table className="w-full text-left">
        <caption className="pb-2 text-left font-medium">{past.changes}</caption>
        <thead className="text-small text-soft">
          <tr>
            {[past.field, past.was, past.is].map((title) => (
              <th key={title} scope="col" className="py-1 pr-6 font-normal">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {changes.map(({ field, then, now }) => (
            <tr key={field} className="align-top">
              <th scope="row" className="py-1 pr-6 font-normal text-soft">
                {named(field)}
              </th>
              <td className="py-1 pr-6 wrap-anywhere">{shown(then)}</td>
              <td className="py-1 wrap-anywhere">{shown(now)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A JSON pointer as words: "/plan/name" → "Plan, name". */
function named(pointer: string): string {
  return pointer
    .split("/")
    .slice(1)
    .map((part, depth) => (depth === 0 ? readable(part) : readable(part).toLowerCase()))
    .join(", ");
}

function shown(value: unknown): string {
  if (value === null || value === undefined || value === "") return past.nothing;
  return typeof value === "string" ? value : JSON.stringify(value);
}
