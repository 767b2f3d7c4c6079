import type { Operation, Server, ServerStatus, User } from "@/api/types";

export const plans = [
  {
    id: "pln_a",
    object: "plan" as const,
    key: "a",
    name: "S",
    vcpus: 1,
    memory_mib: 1024,
    disk_gib: 20,
    snapshots: 1,
    backups: 0,
  },
  {
    id: "pln_b",
    object: "plan" as const,
    key: "b",
    name: "M",
    vcpus: 2,
    memory_mib: 4096,
    disk_gib: 40,
    snapshots: 3,
    backups: 3,
  },
  {
    id: "pln_c",
    object: "plan" as const,
    key: "c",
    name: "L",
    vcpus: 4,
    memory_mib: 8192,
    disk_gib: 80,
    snapshots: 5,
    backups: 5,
  },
];
export const images = [
  { id: "img_a", object: "image" as const, key: "a", name: "Debian 12", min_disk_gib: 5 },
  { id: "img_b", object: "image" as const, key: "b", name: "Ubuntu 24.04", min_disk_gib: 5 },
];
export const locations = [{ id: "loc_a", object: "location" as const, key: "a", name: "Frankfurt", user_data: true }];

export const customer: User = {
  id: "usr_1",
  object: "user",
  email: "ada@example.com",
  name: "Ada",
  role: "customer",
  created_at: "2026-01-01T00:00:00Z",
};
export const admin: User = {
  id: "usr_2",
  object: "user",
  email: "staff@example.com",
  name: "Sam",
  role: "admin",
  created_at: "2026-01-01T00:00:00Z",
};

export interface Owned {
  server: Server;
  owner: User;
  vmid: number | null;
}

let made = 0;

/** A server of the customer, running unless told otherwise. */
export function aServer(changes: Partial<Server> = {}): Server {
  made += 1;
  const plan = plans[made % 3]!;
  return {
    id: `srv_${made.toString(16).padStart(32, "0")}`,
    object: "server",
    name: `web-${made}`,
    status: "running",
    status_reason: null,
    plan: { id: plan.id, name: plan.name, vcpus: plan.vcpus, memory_mib: plan.memory_mib, disk_gib: plan.disk_gib },
    image: { id: "img_a", name: "Debian 12" },
    location: { id: "loc_a", name: "Frankfurt" },
    ips: [
      { address: `203.0.113.${10 + made}`, prefix: 24, gateway: "203.0.113.1", family: 4, primary: true, rdns: null },
    ],
    protection: { delete: false },
    labels: {},
    account: "acc_1",
    current_operation: null,
    suspension: null,
    restart_needed: false,
    purge_at: null,
    external_id: null,
    last_status: null,
    observed_at: null,
    version: 1,
    created_at: new Date(Date.UTC(2026, 9, 1 + made)).toISOString(),
    updated_at: new Date(Date.UTC(2026, 9, 1 + made)).toISOString(),
    ...changes,
  };
}

export function anOperation(server: Server, type: string, steps: readonly string[], by: User): Operation {
  made += 1;
  const now = new Date().toISOString();
  return {
    id: `op_${made.toString(16).padStart(32, "0")}`,
    object: "operation",
    type,
    status: "queued",
    progress: 0,
    resource: { type: "server", id: server.id },
    steps: steps.map((key) => ({
      key,
      status: "queued" as const,
      detail: null,
      started_at: null,
      finished_at: null,
      attempt: 1,
    })),
    error: null,
    requested_by: { type: "user", id: by.id },
    request_id: "req_mock",
    created_at: now,
    started_at: null,
    finished_at: null,
  };
}

/** One server in each status: what the screens are looked at with. */
export function everyStatus(): Server[] {
  const seen = new Date().toISOString();
  const more: Partial<Record<ServerStatus, Partial<Server>>> = {
    unlinked: {
      status_reason: "No virtual machine with the number 131 was found on the cluster.",
      ips: [],
      external_id: "whmcs:service:31",
    },
    unknown: { last_status: "running", observed_at: seen },
    failed: { status_reason: "There is no room for this plan in Frankfurt.", ips: [] },
    suspended: { suspension: { reason: "non_payment", reasons: ["non_payment"], since: seen } },
    terminating: { purge_at: new Date(Date.now() + 300_000).toISOString() },
  };
  const statuses: ServerStatus[] = [
    "running",
    "stopped",
    "suspended",
    "terminating",
    "failed",
    "unlinked",
    "unknown",
    "running",
  ];
  return statuses.map((status) => aServer({ status, ...more[status] }));
}
