/** What becomes of the rows of one entity: each row seen is counted under exactly one of the others. */
export interface Tally {
  seen: number;
  create: number;
  update: number;
  unchanged: number;
  skip: Record<string, number>;
  quarantine: Record<string, number>;
}

export interface Row {
  entity: string;
  source_id: string;
  reason: string;
  detail?: string;
}

export interface Unmapped {
  kind?: string;
  name?: string;
  target?: string;
  value?: string;
  count: number;
  values?: Record<string, number>;
  services: number[];
}

interface Warning {
  entity: string;
  code: string;
  detail?: string;
  source_id?: string;
  count?: number;
  source_ids?: string[];
}

interface Candidate {
  service_id: string;
  cluster: string | null;
  vmid: number | null;
  state: string;
  reason: string | null;
  evidence: string[];
  live?: { state: string };
}

/** The importer's report: whole as `--report` writes it, or what the log keeps of it. */
export interface Report {
  run_id?: string | null;
  dry_run?: boolean;
  changes?: number;
  plan_hash: string;
  source: Partial<Record<"name" | "address" | "version" | "snapshot_at" | "method", string>>;
  entities: Record<string, Tally>;
  quarantined: Row[];
  vanished: Row[];
  warnings: Warning[];
  mapping: { file?: string; complete?: boolean; unmapped_options: Unmapped[]; unmapped_values: Unmapped[] };
  totals: { currency: string; cycle: string; amount: string }[];
  adoption?: Candidate[];
  live?: { at: string } | null;
}

const none: Omit<Report, "plan_hash" | "entities"> = {
  source: {},
  quarantined: [],
  vanished: [],
  warnings: [],
  mapping: { unmapped_options: [], unmapped_values: [] },
  totals: [],
};

/** A report from what was read; null when it is none, undefined parts filled with nothing. */
export function asReport(read: unknown): Report | null {
  if (typeof read !== "object" || read === null) return null;
  const { plan_hash, entities } = read as Partial<Report>;
  if (typeof plan_hash !== "string" || typeof entities !== "object" || entities === null) return null;
  const whole = { ...none, ...(read as Report) };
  return Object.values(entities).every((tally) => typeof tally.seen === "number") ? whole : null;
}

export function readReport(text: string): Report | null {
  try {
    return asReport(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Entries of one kind and reason: how many, and which. */
export interface Group {
  entity: string;
  reason: string;
  count: number;
  ids: string[];
  detail: string | undefined;
}

/** Entries put together by entity and reason, the largest first. */
export function grouped(rows: readonly Row[]): Group[] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = `${row.entity} ${row.reason}`;
    const found = groups.get(key);
    if (found) found.push(row);
    else groups.set(key, [row]);
  }
  return largestFirst(
    [...groups.values()].map((found) => ({
      entity: found[0]!.entity,
      reason: found[0]!.reason,
      count: found.length,
      ids: found.map(({ source_id }) => source_id),
      detail: found[0]!.detail,
    })),
  );
}

/** Warnings put together the same way; what the log keeps is together already. */
export function warningGroups({ warnings }: Report): Group[] {
  const counted = warnings.filter(({ count }) => count !== undefined);
  const single = warnings.flatMap(({ entity, code, source_id, detail }) =>
    source_id === undefined ? [] : [{ entity, source_id, reason: code, ...(detail ? { detail } : {}) }],
  );
  const together = counted.map(({ entity, code, count = 0, source_ids = [] }) => ({
    entity,
    reason: code,
    count,
    ids: source_ids,
    detail: undefined,
  }));
  return largestFirst([...together, ...grouped(single)]);
}

/** Why rows are left out on purpose, by entity. */
export function skipped({ entities }: Report): Group[] {
  return largestFirst(
    Object.entries(entities).flatMap(([entity, { skip }]) =>
      Object.entries(skip).map(([reason, count]) => ({ entity, reason, count, ids: [], detail: undefined })),
    ),
  );
}

/** Which services name a VM that may be adopted, and why the others are not; none where the report does not say. */
export function candidates({ adoption = [] }: Report): Group[] {
  return grouped(
    adoption.map(({ service_id, state, reason, live }) => ({
      entity: "servers",
      source_id: service_id,
      reason: reason ?? (live && live.state !== "found" ? live.state : state),
    })),
  );
}

function largestFirst(groups: Group[]): Group[] {
  return groups.toSorted((a, b) => b.count - a.count || a.reason.localeCompare(b.reason));
}

/** Rows to be created and updated, or that were. What people sign in with comes with them, and is not counted twice. */
export function changes({ entities }: Report): { create: number; update: number } {
  const counted = Object.entries(entities).filter(([name]) => name !== "logins");
  const sum = (key: "create" | "update") => counted.reduce((total, [, tally]) => total + tally[key], 0);
  return { create: sum("create"), update: sum("update") };
}
