import type { ServerCreate } from "@/api/types";

/** A text as one word of a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The order as a command line; a password is not written into it, for command lines are kept. */
export function asCurl(order: ServerCreate, origin: string): string {
  const body = order.password ? { ...order, password: "…" } : order;
  return [
    `curl -X POST ${origin}/v1/servers`,
    `-H "Authorization: Bearer $HOSTLER_TOKEN"`,
    `-H "Content-Type: application/json"`,
    `-d ${quoted(JSON.stringify(body))}`,
  ].join(" \\\n  ");
}
