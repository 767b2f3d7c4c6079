import type { ServerCreate } from "@/api/types";
import { nameMistake, passwordMistake } from "@/features/servers/access";
import { userDataMistake } from "@/features/servers/UserData";
import { readLabels } from "@/features/servers/settings/labels";
import { words } from "@/words";

/** The create form as filled in; `keys` are ids. */
export interface Draft {
  /** For which account, where there are several. */
  account: string;
  location: string;
  image: string;
  plan: string;
  keys: readonly string[];
  password: string;
  name: string;
  labels: string;
  user_data: string;
}

export const emptyDraft: Draft = {
  account: "",
  location: "",
  image: "",
  plan: "",
  keys: [],
  password: "",
  name: "",
  labels: "",
  user_data: "",
};

/** What can be told without asking the service: field → message. */
export function mistakes({ name, password, labels, user_data }: Draft): Partial<Record<keyof Draft, string>> {
  const read = readLabels(labels);
  const found = [
    ["name", nameMistake(name)],
    ["password", passwordMistake(password)],
    ["labels", "mistake" in read ? read.mistake : undefined],
    ["user_data", userDataMistake(user_data)],
  ] as const;
  return Object.fromEntries(found.filter(([, message]) => message));
}

/** The choices still to be made, in words. */
export function missing({ location, image, plan, name }: Draft): string[] {
  const create = words.create;
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
  const { name, plan, image, location, password, keys, account, user_data } = draft;
  const read = readLabels(draft.labels);
  const labels = "labels" in read ? read.labels : {};
  return {
    name,
    plan,
    image,
    location,
    ...(account ? { account } : {}),
    ...(keys.length > 0 ? { ssh_key_ids: [...keys] } : {}),
    ...(password ? { password } : {}),
    ...(user_data ? { user_data } : {}),
    ...(Object.keys(labels).length > 0 ? { labels } : {}),
  };
}
