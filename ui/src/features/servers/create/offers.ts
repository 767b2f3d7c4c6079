import { useQueries } from "@tanstack/react-query";
import { ApiError } from "@/api/errors";
import type { Image, ServerCreate } from "@/api/types";
import { dryRun } from "@/features/servers/queries";
import { words } from "@/words";
import type { Catalogue } from "./CreateServerPage";
import type { Draft } from "./order";

type Group = "location" | "image" | "plan";
type Made = Pick<Draft, Group | "account">;

/** A catalogue of more than so many combinations is not tried as a whole: what was not tried counts as to be had. */
const MOST = 40;
/** Room comes and goes slowly; what is ordered is checked again as a whole. */
const FRESH_MS = 30_000;
/** Which is created never. */
const NAME = "is-it-to-be-had";

const fits = (plan: { disk_gib: number }, image: Pick<Image, "min_disk_gib">) => plan.disk_gib >= image.min_disk_gib;

/** The least demanding of what may be chosen, unless something is. */
function least({ images, plans }: Catalogue, { image, plan }: Made) {
  const chosen = plans.find(({ id }) => id === plan);
  const anImage = images.toSorted((a, b) => a.min_disk_gib - b.min_disk_gib)[0];
  const wanted = images.find(({ id }) => id === image) ?? anImage;
  const aPlan = plans
    .filter((each) => !wanted || fits(each, wanted))
    .toSorted((a, b) => a.memory_mib - b.memory_mib || a.disk_gib - b.disk_gib)[0];
  return { image: wanted?.id, plan: (chosen ?? aPlan)?.id };
}

type Trial = Record<Group, string>;

/** What is tried to learn whether an option can be had, with what is chosen beside it, or anything that asks for least. */
function trialsOf(catalogue: Catalogue, made: Made, group: Group, option: string): Trial[] {
  const { image, plan } = least(catalogue, { ...made, ...(group === "plan" ? {} : { [group]: option }) });
  if (!image || !plan) return [];
  const there = group === "location" ? [option] : catalogue.locations.map(({ id }) => id);
  const places = group !== "location" && made.location ? [made.location] : there;
  return places.map((location) => ({ image, plan, [group]: option, location }) as Trial);
}

const key = ({ location, image, plan }: Trial) => `${location} ${image} ${plan}`;

/** What the service says against a trial because of an option of `group`; a place is blamed for having no room, too. */
function blame(error: unknown, group: Group): string | undefined {
  if (!(error instanceof ApiError)) return undefined;
  const full = error.problem.errors.some(({ code }) => code === "no_capacity");
  return error.field(`/${group}`) ?? (group === "location" && full ? error.field("/plan") : undefined);
}

/** What is seen without asking: whether the disk of a plan holds an image. */
function tooSmall({ images, plans }: Catalogue, made: Made, group: Group, option: string): string | undefined {
  const image = images.find(({ id }) => id === (group === "image" ? option : made.image));
  const plan = plans.find(({ id }) => id === (group === "plan" ? option : made.plan));
  if (group === "location" || !image) return undefined;
  const small = plan ? !fits(plan, image) : plans.length > 0 && plans.every((each) => !fits(each, image));
  return small ? words.create.tooSmall(image.name, image.min_disk_gib) : undefined;
}

/**
 * Why an option cannot be had, given what is chosen beside it, before all is chosen; null: it can, as far as is known.
 * What is chosen already is never refused here: the answer to the whole order speaks of it.
 */
export function useOffers(catalogue: Catalogue, made: Made): (group: Group, option: string) => string | null {
  const groups = { location: catalogue.locations, image: catalogue.images, plan: catalogue.plans };
  const asked = Object.entries(groups).flatMap(([group, options]) =>
    options.flatMap(({ id }) => trialsOf(catalogue, made, group as Group, id)),
  );
  const trials = [...new Map(asked.map((trial) => [key(trial), trial])).values()].slice(0, MOST);
  const account = made.account ? { account: made.account } : {};
  const answers = useQueries({
    queries: trials.map((trial) => ({
      ...dryRun({ name: NAME, ...trial, ...account } satisfies ServerCreate),
      staleTime: FRESH_MS,
      gcTime: FRESH_MS,
      refetchInterval: ({ state }: { state: { error: unknown } }) => (state.error ? FRESH_MS : false),
    })),
  });
  const errors = new Map(trials.map((trial, n) => [key(trial), answers[n]?.error]));
  return (group, option) => {
    if (made[group] === option) return null;
    const small = tooSmall(catalogue, made, group, option);
    if (small) return small;
    const said = trialsOf(catalogue, made, group, option).map((trial) => blame(errors.get(key(trial)), group));
    return said.length > 0 && said.every(Boolean) ? said[0]! : null;
  };
}
