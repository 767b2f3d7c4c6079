import { words } from "@/words";

const SHORTEST_PASSWORD = 8;
const KEY =
  /^(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) [A-Za-z0-9+/]+=*( .*)?$/;
const LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
const HOST_NAME = new RegExp(`^${LABEL}(\\.${LABEL})*$`, "i");

/** Public keys as typed, one per line. */
export function keyLines(keys: string): string[] {
  return keys.split("\n").map((line) => line.trim());
}

export function filledKeys(keys: string): string[] {
  return keyLines(keys).filter(Boolean);
}

/** What is wrong with keys, in words; undefined when nothing is. */
export function keysMistake(keys: string): string | undefined {
  const badLine = keyLines(keys).findIndex((line) => line && !KEY.test(line));
  return badLine >= 0 ? words.create.keyWrong(badLine + 1) : undefined;
}

export function passwordMistake(password: string): string | undefined {
  return password && password.length < SHORTEST_PASSWORD ? words.create.passwordShort(SHORTEST_PASSWORD) : undefined;
}

export function nameMistake(name: string): string | undefined {
  return name && (name.length > 253 || !HOST_NAME.test(name)) ? words.create.nameWrong : undefined;
}
