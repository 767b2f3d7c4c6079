/** A key the catalogue does not know, made readable: "await_address" → "Await address". */
export function readable(key: string): string {
  const text = key.replaceAll(/[_-]+/g, " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
