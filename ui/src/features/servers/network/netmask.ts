/** An IPv4 prefix length as a mask: 26 → "255.255.255.192". */
export function netmask(prefix: number): string {
  return [0, 8, 16, 24].map((from) => 256 - 2 ** (8 - Math.min(8, Math.max(0, prefix - from)))).join(".");
}
