import type { ServerCreate } from "@/api/types";
import { filledKeys, keysMistake, nameMistake, passwordMistake } from "@/features/servers/access";
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

/** What can be told without asking the service: field → message. */
export function mistakes({ name, keys, password }: Draft): Partial<Record<keyof Draft, string>> {
  const found = [
    ["keys", keysMistake(keys)],
    ["name", nameMistake(name)],
    ["password", passwordMistake(password)],
  ] as const;
  return Object.fromEntries(found.filter(([, message]) => message));
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
  const ssh_keys = filledKeys(draft.keys);
  return {
    name,
    plan,
    image,
    location,
    ...(ssh_keys.length > 0 ? { ssh_keys } : {}),
    ...(password ? { password } : {}),
  };
}
