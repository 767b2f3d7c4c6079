import type { AddressHistory, Cluster, Drift, ImportRunReport, Past } from "@/api/types";
import type { components } from "@/api/schema";

/** What only staff sees of the service in memory. */
export class MockStaff {
  clusters: Cluster[] = [aCluster()];
  drift: Drift[] = [];
  /** Servers to whose guests nothing is done. */
  readonly observed = new Set<string>();
  imports: ImportRunReport[] = [];
  /** What the time machine answers, and what it was asked. */
  past: Past | null = null;
  pastAsked: Record<string, string>[] = [];
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
