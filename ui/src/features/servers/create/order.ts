import type { ServerCreate } from "@/api/types";
import { words } from "@/words";

/** The create form as filled in. */
export interface Draft {
  location: string;
  image: string;
  plan: string;
  keys: string;
  password: string;
  name: string;
}

export const emptyDraft: Draft = { location: "", image: "", plan: "", keys: "", password: "", name: "" };

const SHORTEST_PASSWORD = 8;
const KEY =
  /^(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) [A-Za-z0-9+/]+=*( .*)?$/;
const LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
const HOST_NAME = new RegExp(`^${LABEL}(\\.${LABEL})*$`, "i");

function keyLines(keys: string): string[] {
  return keys.split("\n").map((line) => line.trim());
}

/** What can be told without asking the service: field → message. */
export function mistakes({ name, keys, password }: Draft): Partial<Record<keyof Draft, string>> {
  const wrong: Partial<Record<keyof Draft, string>> = {};
  const badLine = keyLines(keys).findIndex((line) => line && !KEY.test(line));
  if (badLine >= 0) wrong.keys = words.create.keyWrong(badLine + 1);
  if (name && (name.length > 253 || !HOST_NAME.test(name))) wrong.name = words.create.nameWrong;
  if (password && password.length < SHORTEST_PASSWORD) wrong.password = words.create.passwordShort(SHORTEST_PASSWORD);
  return wrong;
}

/** The choices still to be made, in words. */
export function missing({ location, image, plan, name }: Draft): string[] {
  const { create } = words;
  const choices = [
    [location, create.location],
    [image, create.image],
    [plan, create.plan],
    [name, create.name],
  ] as const;
  return choices.filter(([value]) => !value).map(([, label]) => label);
}

/** The order to send; null while something is missing or mistaken. */
export function toOrder(draft: Draft): ServerCreate | null {
  if (missing(draft).length > 0 || Object.keys(mistakes(draft)).length > 0) return null;
  const { name, plan, image, location, password } = draft;
  const ssh_keys = keyLines(draft.keys).filter(Boolean);
  return {
    name,
    plan,
    image,
    location,
    ...(ssh_keys.length > 0 ? { ssh_keys } : {}),
    ...(password ? { password } : {}),
  };
}
