import type { BillingHolds, Cluster, Drift, SystemHealth } from "@/api/types";
import type { components } from "@/api/schema";
import { PROGRAMS } from "@/features/staff/health/programs";
import { localTime } from "@/lib/dates";
import { paths } from "@/paths";
import { words } from "@/words";

type Schemas = components["schemas"];
export type Pace = Schemas["ServicePace"];
export type LocationRoom = Schemas["LocationRoom"];

/** Something that somebody has to see to: what it is, how bad, and where it is seen to. */
export interface Matter {
  key: string;
  tone: "bad" | "warn" | "info";
  title: string;
  help?: string | null;
  /** The time that it speaks of. */
  at?: string | null;
  /** Where it is seen to; what staff may let go on here has a name instead. */
  to?: string;
  allows?: "destroys" | "billing";
}

/** What is known so far; what is not yet read, or could not be, is left out. */
export interface Known {
  clusters?: readonly Cluster[] | undefined;
  drift?: readonly Schemas["DriftPage"][] | undefined;
  destroys?: Schemas["Destroys"] | undefined;
  holds?: BillingHolds | undefined;
  health?: SystemHealth | undefined;
  imports?: readonly Schemas["ImportRun"][] | undefined;
  pace?: Pace | undefined;
}

const staff = words.staff;
const { overview } = staff;
/** Views that are this far behind show what is over. */
const BEHIND_SECONDS = 30;
/** A location whose room is over within so many days is told of. */
const SOON_DAYS = 30;
const worst = { bad: 0, warn: 1, info: 2 };

/** Everything that needs attention, the worst first. */
export function mattersOf({ clusters, drift, destroys, holds, health, imports, pace }: Known): Matter[] {
  return [
    ...(health ? ofSystem(health) : []),
    ...(health?.webhooks ?? []).map(ofWebhook),
    ...(clusters ?? []).filter(({ reachable }) => !reachable).map(ofCluster),
    ...(destroys?.waiting_since ? [ofDestroys(destroys)] : []),
    ...(holds?.waiting_since ? [ofHolds(holds)] : []),
    ...(drift ? ofDrift(drift) : []),
    ...(pace?.locations ?? []).flatMap(ofRoom),
    ...(imports ?? []).filter(({ finished_at }) => !finished_at).map(ofImport),
  ].toSorted((a, b) => worst[a.tone] - worst[b.tone]);
}

function ofSystem({ effects, programs, clusters, projections, letters }: SystemHealth): Matter[] {
  const to = paths.adminHealth();
  const away = PROGRAMS.filter((name) => !programs.some((program) => program.name === name));
  const late = projections.filter(({ seconds }) => seconds > BEHIND_SECONDS);
  return [
    ...away.map((name) => ({ key: name, tone: "bad" as const, title: staff.health.missing(name), to })),
    ...clusters
      .filter(({ watched }) => !watched)
      .map(({ name }) => ({ key: `eye ${name}`, tone: "bad" as const, title: staff.health.unwatched(name), to })),
    ...(effects.paused
      ? [{ key: "effects", tone: "warn" as const, title: overview.paused, help: effects.reason, to }]
      : []),
    ...late.map(({ name, seconds }) => ({ key: name, tone: "warn" as const, title: overview.behind(seconds), to })),
    ...(letters.given_up > 0
      ? [{ key: "letters", tone: "warn" as const, title: overview.letters(letters.given_up), to }]
      : []),
  ];
}

function ofCluster({ name, observed_at }: Cluster): Matter {
  const title = observed_at ? staff.clusterAway(name, localTime(observed_at, "clock")) : staff.clusterUnseen(name);
  return {
    key: `cluster ${name}`,
    tone: observed_at ? "bad" : "info",
    title,
    at: observed_at,
    to: paths.adminClusters(),
  };
}

function ofWebhook({ id, account, url, failing_since, disabled_reason }: SystemHealth["webhooks"][number]): Matter {
  const help = disabled_reason ?? (failing_since ? overview.webhookSince(localTime(failing_since)) : null);
  const to = account ? paths.adminCustomer(account) : paths.adminWebhook(id);
  return { key: id, tone: "warn", title: overview.webhook(url), help, at: failing_since, to };
}

function ofDestroys({ recent, limit }: Schemas["Destroys"]): Matter {
  const help = staff.destroysHelp(recent, limit);
  return { key: "destroys", tone: "warn", title: staff.destroysTitle, help, allows: "destroys" };
}

function ofHolds({ waiting, limit }: BillingHolds): Matter {
  return {
    key: "holds",
    tone: "warn",
    title: staff.billingTitle,
    help: staff.billingHelp(waiting, limit),
    allows: "billing",
  };
}

function ofDrift(pages: readonly Schemas["DriftPage"][]): Matter[] {
  const found: Drift[] = pages.flatMap(({ data }) => data);
  if (found.length === 0) return [];
  const title = staff.driftCount(found.length, Boolean(pages.at(-1)?.page.has_more));
  return [{ key: "drift", tone: "warn", title, to: paths.adminDrift() }];
}

function ofRoom(place: LocationRoom): Matter[] {
  const days = daysLeft(place);
  if (place.room === null || (place.room > 0 && (days === null || days > SOON_DAYS))) return [];
  return [
    {
      key: `room ${place.key}`,
      tone: place.room === 0 ? "bad" : "warn",
      title: place.room === 0 ? overview.full(place.name) : overview.soonFull(place.name, place.room),
      help: place.short_of ? overview.shortOf[place.short_of] : null,
      to: paths.adminCapacity(),
    },
  ];
}

/** For how many days the room lasts at the pace of the last 30; null where it does not shrink. */
export function daysLeft({ room, grown }: Pick<LocationRoom, "room" | "grown">): number | null {
  return room === null || grown <= 0 ? null : Math.floor((room * 30) / grown);
}

function ofImport({ id, source, started_at }: Schemas["ImportRun"]): Matter {
  const title = overview.importOpen(source, localTime(started_at));
  return { key: id, tone: "info", title, at: started_at, to: paths.adminImport(id) };
}
