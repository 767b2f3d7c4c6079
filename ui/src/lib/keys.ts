/** A random idempotency key. (crypto.randomUUID is missing on plain-HTTP origins other than localhost.) */
export function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
