import type { AddressHistory, Cluster, Drift } from "@/api/types";
import type { components } from "@/api/schema";

/** What only staff sees of the service in memory. */
export class MockStaff {
  clusters: Cluster[] = [aCluster()];
  drift: Drift[] = [];
  /** Servers to whose guests nothing is done. */
  readonly observed = new Set<string>();
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
