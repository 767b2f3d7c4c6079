import type {
  AddressHistory,
  BillingHolds,
  Cluster,
  Decision,
  Drift,
  ImportRunReport,
  Past,
  SystemHealth,
} from "@/api/types";
import type { components } from "@/api/schema";
import { MockShelf } from "./shelf";

/** What only staff sees of the service in memory. */
export class MockStaff {
  clusters: Cluster[] = [aCluster()];
  /** What was noted when a server was suspended, by its id and the reason. */
  readonly notes = new Map<string, string>();
  /** What was decided of which operation. */
  readonly decided: [id: string, action: string, reason: string][] = [];
  readonly shelf = new MockShelf();
  capacity: components["schemas"]["Capacity"] = aCapacity();
  pace: components["schemas"]["ServicePace"] = aPace();
  drift: Drift[] = [];
  /** Servers to whose guests nothing is done. */
  readonly observed = new Set<string>();
  imports: ImportRunReport[] = [];
  /** What the time machine answers, and what it was asked. */
  past: Past | null = null;
  pastAsked: Record<string, string>[] = [];
  holds: BillingHolds = {
    object: "billing_holds",
    recent: 0,
    limit: 50,
    window_seconds: 600,
    waiting: 0,
    waiting_since: null,
    allowed_until: null,
  };
  health: SystemHealth = aHealth();
  decisions: Decision[] = [];
  holders: AddressHistory["holders"] = [];
  destroys: components["schemas"]["Destroys"] = {
    object: "destroys",
    recent: 0,
    limit: 20,
    window_seconds: 600,
    waiting_since: null,
    allowed_until: null,
  };
}

export function aCapacity(): components["schemas"]["Capacity"] {
  const memory = { most: 65_536, promised: 24_576 };
  return {
    object: "capacity",
    nodes: [
      { cluster: "demo", node: "pve1", memory, cores: { most: 256, promised: 40 } },
      { cluster: "demo", node: "pve2", memory: { most: 65_536, promised: 66_560 }, cores: null },
    ],
    storages: [{ cluster: "demo", storage: "ceph", node: null, disk: { most: 8_000, promised: 1_200 } }],
    pools: [{ name: "fra1-v4", location: "fra1", network: "192.0.2.0/24", size: 240, taken: 61 }],
    slots: [{ cluster: "demo", granted: 2, waiting: 1 }],
  };
}

const HOUR_MS = 3_600_000;

export function aPace(
  changes: Partial<components["schemas"]["LocationRoom"]> = {},
): components["schemas"]["ServicePace"] {
  const now = Math.floor(Date.now() / HOUR_MS);
  const hours = Array.from({ length: 24 }, (_, n) => ({
    hour: new Date((now - 23 + n) * HOUR_MS).toISOString(),
    begun: 4 + ((n * 7) % 13),
    creates: n % 3,
    failed: n === 20 ? 2 : 0,
  }));
  const place = { key: "fra1", name: "Frankfurt", servers: 61, grown: 12, room: 120, short_of: "memory" as const };
  const amounts = { memory: { most: 131_072, promised: 91_136 }, disk: null, addresses: { most: 240, promised: 61 } };
  return { object: "pace", hours, locations: [{ ...place, ...amounts, ...changes }] };
}

export function aHealth(changes: Partial<SystemHealth> = {}): SystemHealth {
  const at = new Date().toISOString();
  const program = { address: null, connections: 3, since: at, last_active_at: at };
  return {
    object: "health",
    at,
    version: "1.0.0",
    log_id: "log_1",
    database: { version: "15.8", size_bytes: 52_428_800, connections: 14, max_connections: 100 },
    effects: { object: "effects", paused: false, reason: null, since: at, by: null },
    projections: [{ name: "views", events: 0, seconds: 0, moved_at: at, code_version: 1 }],
    wakes: { waiting: 0, due: 0, leased: 0, failing: 0, oldest_due_seconds: 0 },
    programs: ["hostler-service", "hostler-projector", "hostler-orchestrator"].map((name) => ({ name, ...program })),
    clusters: [{ name: "demo", reachable: true, observed_at: at, changed_at: at, watched: true, error: null }],
    letters: { waiting: 0, given_up: 0 },
    operations: { queued: 0, running: 0, needs_attention: 0 },
    events_per_minute: { last_minute: 0, ten_minutes: 0 },
    webhooks: [],
    ...changes,
  };
}

export function aDecision(changes: Partial<Decision> = {}): Decision {
  const about = { cluster: null, node: null, mode: null, vmid: null, server: null, drift: null, minutes: null };
  return {
    id: "dec_1",
    object: "decision",
    kind: "effects_paused",
    by: { id: null, name: "carl@host" },
    reason: null,
    about: { ...about, backup_at: null },
    request_id: null,
    at: new Date().toISOString(),
    ...changes,
  };
}

export function aCluster(changes: Partial<Cluster> = {}): Cluster {
  return {
    name: "demo",
    object: "cluster",
    reachable: true,
    observed_at: new Date().toISOString(),
    mode: "manage",
    maintenance: [],
    ...changes,
  };
}

export function aDrift(changes: Partial<Drift> = {}): Drift {
  return {
    id: `srv_${"0".repeat(31)}1.cores`,
    object: "drift",
    kind: "cores",
    server: `srv_${"0".repeat(31)}1`,
    name: null,
    cluster: "demo",
    vmid: 101,
    detail: "It has 4 cores instead of 2.",
    facts: { expected: 2, found: 4 },
    since: "2026-11-01T10:00:00Z",
    ignored: false,
    actions: ["adopt", "repair", "ignore"],
    ...changes,
  };
}

/** A run as the log keeps it: `report` without what was typed into the source. */
export function anImportRun(changes: Partial<ImportRunReport> = {}): ImportRunReport {
  return {
    id: "run_1",
    object: "import_run",
    source: "whmcs",
    plan_hash: "abc123",
    counts: { servers: { create: 2, update: 1 } },
    loaded: 1,
    linked: 1,
    started_at: "2026-11-01T10:00:00Z",
    finished_at: "2026-11-01T10:01:00Z",
    report: aReport(),
    adoption: [
      {
        became: "declined",
        code: "vm_missing",
        detail: "The virtual machine that the source names does not exist.",
        count: 30,
        servers: [{ id: "srv_9", name: "lost", source_id: "31", cluster: "demo", vmid: 131 }],
      },
    ],
    ...changes,
  };
}

/** The importer's report as a file has it. */
export function aReport(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const none = { skip: {}, quarantine: {} };
  return {
    plan_hash: "abc123",
    dry_run: true,
    source: { name: "whmcs", address: "db.example.com", version: "8.13", snapshot_at: "2026-11-01T10:00:00Z" },
    entities: {
      servers: { ...none, seen: 9, create: 2, update: 1, unchanged: 3, skip: { not_a_vps: 1 }, quarantine: { a_b: 2 } },
      logins: { ...none, seen: 7, create: 7, update: 0, unchanged: 0 },
    },
    quarantined: ["17", "18"].map((source_id) => ({
      entity: "servers",
      source_id,
      reason: "option_unmapped",
      detail: "Port speed",
    })),
    vanished: [],
    warnings: [{ entity: "servers", source_id: "4", code: "ip_unparsed", detail: "10.0.0.x" }],
    mapping: {
      file: "mapping.yaml",
      complete: true,
      unmapped_options: [{ kind: "option", name: "Panel", count: 3, values: { cPanel: 3 }, services: [5, 6, 7] }],
      unmapped_values: [{ target: "image", value: "CentOS 6", count: 1, services: [8] }],
    },
    totals: [{ currency: "EUR", cycle: "monthly", amount: "99.00" }],
    adoption: [{ service_id: "4", cluster: "demo", vmid: 104, state: "candidate", reason: null, evidence: [] }],
    ...changes,
  };
}
