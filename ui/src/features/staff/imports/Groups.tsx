import { Section } from "@/ui/Section";
import { words } from "@/words";
import type { Group } from "./report";

const { imports } = words.staff;
const EXAMPLES = 5;

/** Rows put together by their reason: how many, the first of them, and all of them when asked. */
export function Groups({ title, help, groups }: { title: string; help: string; groups: readonly Group[] }) {
  if (groups.length === 0) return null;
  return (
    <Section title={title}>
      <p className="text-soft">{help}</p>
      <ul aria-label={title} className="grid gap-3">
        {groups.map((group) => (
          <li key={`${group.entity} ${group.reason}`} className="wrap-anywhere">
            <p>
              <span className="font-medium">{imports.reason(group.reason)}</span>{" "}
              <span className="text-soft">{imports.count(group.count, group.entity)}</span>
            </p>
            {group.detail ? <p className="text-small text-soft">{imports.suchAs(group.detail)}</p> : null}
            {group.ids.length > 0 ? <Ids ids={group.ids} /> : null}
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Ids({ ids }: { ids: readonly string[] }) {
  if (ids.length <= EXAMPLES) return <p className="text-small text-soft">{imports.ids(ids)}</p>;
  return (
    <details className="text-small text-soft">
      <summary className="cursor-pointer">{imports.idsAndMore(ids.slice(0, EXAMPLES), ids.length - EXAMPLES)}</summary>
      <p className="mt-1">{ids.join(", ")}</p>
    </details>
  );
}
