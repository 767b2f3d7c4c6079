import { memory } from "@/lib/bytes";
import { Time } from "@/ui/Time";
import { words } from "@/words";

const { past } = words.staff;
const TIME = /^\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:\d{2})$/;

/** What stood in a field, as it is said on other pages. */
export function Value({ field, value }: { field: string; value: unknown }) {
  if (typeof value === "string" && TIME.test(value)) return <Time at={value} />;
  return text(field, value);
}

function text(field: string, value: unknown): string {
  if (value === null || value === undefined || value === "") return past.nothing;
  if (typeof value === "boolean") return value ? past.yes : past.no;
  if (typeof value === "number") return amount(field, value);
  if (Array.isArray(value)) return value.map(one).join(", ") || past.nothing;
  if (typeof value === "object") return one(value);
  return field === "/status" ? (words.status[value as keyof typeof words.status] ?? String(value)) : String(value);
}

function amount(field: string, n: number): string {
  if (field.endsWith("/memory_mib")) return memory(n);
  return field.endsWith("/disk_gib") ? `${n} GiB` : String(n);
}

/** One of several: by its address or its name where it has one. */
function one(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  const { address, name } = value as { address?: unknown; name?: unknown };
  const known = address ?? name;
  return typeof known === "string" ? known : JSON.stringify(value);
}
