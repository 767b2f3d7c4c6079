import { words } from "@/words";

const SHORTEST_PASSWORD = 8;
const KEY =
  /^(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) [A-Za-z0-9+/]+=*( .*)?$/;
const LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
const HOST_NAME = new RegExp(`^${LABEL}(\\.${LABEL})*$`, "i");

/** What is wrong with a public key, in words; undefined when nothing is, or nothing was typed. */
export function keyMistake(key: string): string | undefined {
  return key.trim() && !KEY.test(key.trim()) ? words.keyChoice.wrong : undefined;
}

export function passwordMistake(password: string): string | undefined {
  return password && password.length < SHORTEST_PASSWORD ? words.create.passwordShort(SHORTEST_PASSWORD) : undefined;
}

export function nameMistake(name: string): string | undefined {
  return name && (name.length > 253 || !HOST_NAME.test(name)) ? words.create.nameWrong : undefined;
}
