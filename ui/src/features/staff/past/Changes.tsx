import type { ServerPast } from "@/api/types";
import { words } from "@/words";
import { readable } from "@/words/readable";
import { Value } from "./Value";

const { past } = words.staff;

/** Field by field what is not as it was. */
export function Changes({ changes, gone }: { changes: ServerPast["changes"]; gone: boolean }) {
  if (gone) return <p>{past.goneNow}</p>;
  if (changes.length === 0) return <p className="text-soft">{past.same}</p>;
  return (
    <div>
      <table className="w-full table-fixed text-left">
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
              <th scope="row" className="py-1 pr-3 font-normal wrap-anywhere text-soft sm:pr-6">
                {named(field)}
              </th>
              <td className="py-1 pr-3 wrap-anywhere sm:pr-6">
                <Value field={field} value={then} />
              </td>
              <td className="py-1 wrap-anywhere">
                <Value field={field} value={now} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A JSON pointer as words; one without words of its own is made readable: "/image/os" → "Image, os". */
function named(pointer: string): string {
  const known = past.fields[pointer.slice(1).replaceAll("/", ".")];
  if (known) return known;
  return pointer
    .split("/")
    .slice(1)
    .map((part, depth) => (depth === 0 ? readable(part) : readable(part).toLowerCase()))
    .join(", ");
}
