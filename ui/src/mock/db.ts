import type {
  Backup,
  HistoryEntry,
  Operation,
  Server,
  ServerAction,
  ServerCreate,
  ServerStatus,
  Snapshot,
  User,
} from "@/api/types";
import type { components } from "@/api/schema";
import { MockAccount } from "./account";
import { admin, anOperation, aServer, customer, images, locations, plans } from "./fixtures";
import { MockPeople } from "./people";
import { MockStaff } from "./staff";
import { MockWebhooks } from "./webhooks";

/** `during` and `after`: the status meanwhile and then; without, it stays what it is. */
interface Plot {
  steps: readonly string[];
  during?: ServerStatus;
  after?: ServerStatus;
}

type Schemas = components["schemas"];

const plots: Record<string, Plot> = {
  create: {
    steps: ["place", "clone", "configure", "guard", "resize", "start", "address"],
    during: "provisioning",
    after: "running",
  },
  start: { steps: ["start"], during: "starting", after: "running" },
  shutdown: { steps: ["shutdown"], during: "stopping", after: "stopped" },
  stop: { steps: ["stop"], during: "stopping", after: "stopped" },
  reboot: { steps: ["reboot"], during: "rebooting", after: "running" },
  rebuild: {
    steps: ["safety", "stop", "reimage", "clean", "configure", "guard", "resize", "start", "address"],
    during: "rebuilding",
    after: "running",
  },
  resize: { steps: ["reserve", "scale", "resize", "restart"], during: "resizing" },
  rename: { steps: ["rename"] },
  reset_password: { steps: ["credentials"] },
  snapshot: { steps: ["snapshot"] },
  snapshot_restore: { steps: ["rollback", "configure", "guard", "resize", "restart"], during: "restoring" },
  snapshot_delete: { steps: ["snapshot_delete"] },
  backup: { steps: ["backup"] },
  backup_restore: {
    steps: ["stop", "backup_restore", "configure", "guard", "resize", "restart"],
    during: "restoring",
  },
  backup_delete: { steps: ["backup_delete"] },
  terminate: { steps: ["stop", "schedule"], during: "terminating", after: "terminating" },
  restore: { steps: ["restore"], during: "restoring", after: "stopped" },
  suspend: { steps: ["suspend"], after: "suspended" },
  unsuspend: { steps: ["unsuspend"] },
};

/** What was asked for; the mock knows more of it than an operation shows. */
export type Asked = ServerAction | { type: "create" | "terminate" };

export interface Pushed {
  id: string;
  event: "server.updated" | "operation.updated";
  data: { server_id: string; operation_id: string | null; version: number; resource: Server | Operation };
}

function named({ id, name }: { id: string; name: string }) {
  return { id, name };
}

function size({ id, name, vcpus, memory_mib, disk_gib }: Server["plan"]): Server["plan"] {
  return { id, name, vcpus, memory_mib, disk_gib };
}

/** What a server is held for after one more reason, or one less. */
function held({ suspension }: Server, { type, reason }: Schemas["Suspend"] | Schemas["Unsuspend"]): Partial<Server> {
  const others = suspension?.reasons.filter((each) => each !== reason) ?? [];
  const reasons = type === "suspend" ? [...others, reason] : others;
  const since = suspension?.since ?? new Date().toISOString();
  if (reasons.length === 0) return { status: "running", suspension: null };
  return { status: "suspended", suspension: { reason: reasons[0]!, reasons, since } };
}

function add<T>(kept: Map<string, T[]>, server: string, copy: T): void {
  kept.set(server, [copy, ...(kept.get(server) ?? [])]);
}

function remove<T extends { id: string }>(kept: Map<string, T[]>, server: string, id: string): void {
  kept.set(
    server,
    (kept.get(server) ?? []).filter((copy) => copy.id !== id),
  );
}

/** A service in memory: servers move through their operations one step per `tick`. */
export class MockDb {
  readonly servers = new Map<string, Server>();
  /** The account of a server that is not the first one's. */
  readonly owners = new Map<string, string>();
  readonly staff = new MockStaff();
  readonly account = new MockAccount();
  readonly people = new MockPeople();
  readonly webhooks = new MockWebhooks();
  readonly operations = new Map<string, Operation>();
  readonly snapshots = new Map<string, Snapshot[]>();
  readonly backups = new Map<string, Backup[]>();
  private readonly asked = new Map<string, { ask: Asked; before: ServerStatus }>();
  readonly history = new Map<string, HistoryEntry[]>();
  readonly listeners = new Set<(pushed: Pushed) => void>();
  readonly log: Pushed[] = [];
  readonly users: Record<string, User> = { [customer.email]: customer, [admin.email]: admin };
  password = "correct horse";
  /** The code of the second factor; null: nobody has one. */
  otp: string | null = null;
  /** Who was sent a letter, and what its link opens. */
  readonly letters: string[] = [];
  resetToken = "";
  purgeAfterMs = 30_000;
  private entries = 0;

  constructor(servers: Server[] = []) {
    for (const server of servers) this.servers.set(server.id, server);
  }

  create(order: ServerCreate, by: User): { server: Server; operation: Operation } {
    const plan = size(plans.find(({ id }) => id === order.plan)!);
    const image = images.find((each) => each.id === order.image)!;
    const location = locations.find((each) => each.id === order.location)!;
    const server = aServer({
      name: order.name,
      plan,
      image: named(image),
      location: named(location),
      ips: [],
      created_at: new Date().toISOString(),
    });
    this.servers.set(server.id, server);
    if (order.account) this.owners.set(server.id, order.account);
    const operation = this.act(server.id, { type: "create" }, by);
    return { server: this.servers.get(server.id)!, operation };
  }

  act(id: string, ask: Asked, by: User): Operation {
    const server = this.servers.get(id)!;
    const plot = plots[ask.type]!;
    const operation = anOperation(server, ask.type, plot.steps, by);
    this.asked.set(operation.id, { ask, before: server.status });
    this.note(id, `Asked for: ${ask.type}`, by.email, operation.id);
    this.putOperation(operation);
    this.change(id, { status: plot.during ?? server.status, current_operation: operation.id });
    return operation;
  }

  /** The operation fails in the step it is at. */
  fail(id: string, error: NonNullable<Operation["error"]>, status: "failed" | "needs_attention" = "failed"): void {
    const operation = structuredClone(this.operations.get(id)!);
    const step = operation.steps.find((each) => each.status === "running") ?? operation.steps[0]!;
    const now = new Date().toISOString();
    Object.assign(step, { status: "failed", started_at: step.started_at ?? now, finished_at: now });
    const ended = status === "failed";
    Object.assign(operation, { status, error, finished_at: ended ? now : null });
    this.putOperation(operation);
    const { before } = this.asked.get(id)!;
    this.change(operation.resource.id, ended ? { status: before, current_operation: null } : {});
  }

  retry(id: string): Operation {
    const operation = structuredClone(this.operations.get(id)!);
    for (const step of operation.steps.filter((each) => each.status === "failed"))
      Object.assign(step, { status: "queued", attempt: 0, finished_at: null });
    Object.assign(operation, { status: "running", error: null, finished_at: null });
    this.putOperation(operation);
    const server = this.servers.get(operation.resource.id)!;
    this.change(server.id, { status: plots[operation.type]!.during ?? server.status, current_operation: id });
    return operation;
  }

  cancel(id: string): Operation {
    const operation = structuredClone(this.operations.get(id)!);
    Object.assign(operation, { status: "cancelled", error: null, finished_at: new Date().toISOString() });
    this.putOperation(operation);
    this.change(operation.resource.id, { status: this.asked.get(id)!.before, current_operation: null });
    return operation;
  }

  newestOperation(): Operation {
    return [...this.operations.values()].at(-1)!;
  }

  /** Every running operation takes one step further. */
  tick(): void {
    for (const operation of this.operations.values()) {
      if (["queued", "running"].includes(operation.status)) this.advance(structuredClone(operation));
    }
    for (const { id, purge_at } of this.servers.values()) {
      if (purge_at && Date.parse(purge_at) < Date.now()) this.change(id, { status: "terminated", purge_at: null });
    }
  }

  change(id: string, changes: Partial<Server>): Server {
    const server = { ...this.servers.get(id)!, ...changes };
    server.version += 1;
    server.updated_at = new Date().toISOString();
    this.servers.set(id, server);
    this.push({
      event: "server.updated",
      data: { server_id: id, operation_id: null, version: server.version, resource: server },
    });
    return server;
  }

  private advance(operation: Operation): void {
    const now = new Date().toISOString();
    operation.status = "running";
    operation.started_at ??= now;
    const running = operation.steps.find((step) => step.status === "running");
    if (running) Object.assign(running, { status: "succeeded", finished_at: now });
    const next = operation.steps.find((step) => step.status === "queued");
    if (next) Object.assign(next, { status: "running", started_at: now, attempt: Math.max(1, next.attempt) });
    const done = operation.steps.filter((step) => step.status === "succeeded").length;
    operation.progress = Math.round((100 * done) / operation.steps.length);
    if (next) this.putOperation(operation);
    else this.finish(operation, now);
  }

  private finish(operation: Operation, now: string): void {
    const id = operation.resource.id;
    Object.assign(operation, { status: "succeeded", finished_at: now });
    this.putOperation(operation);
    this.note(id, `Done: ${operation.type}`, "Hostler", operation.id);
    const { ask, before } = this.asked.get(operation.id)!;
    const status = plots[operation.type]!.after ?? before;
    this.change(id, { status, current_operation: null, purge_at: null, ...this.outcome(this.servers.get(id)!, ask) });
  }

  /** What an action has made of the server, its status apart. */
  private outcome(server: Server, ask: Asked): Partial<Server> {
    switch (ask.type) {
      case "create":
        return { ips: aServer().ips };
      case "terminate":
        return { purge_at: new Date(Date.now() + this.purgeAfterMs).toISOString() };
      case "suspend":
      case "unsuspend":
        return held(server, ask);
      case "rename":
        return { name: ask.name };
      case "rebuild":
        if (!ask.safety) this.snapshots.delete(server.id);
        return { image: named(images.find(({ id }) => id === ask.image)!) };
      case "resize":
        return { plan: size(plans.find(({ id }) => id === ask.plan)!), restart_needed: !ask.restart };
      default:
        this.copies(server, ask);
        return {};
    }
  }

  private copies(server: Server, ask: Asked): void {
    const now = new Date().toISOString();
    const copy = { image: server.image, created_at: now };
    this.entries += 1;
    const id = this.entries.toString(16).padStart(32, "0");
    if (ask.type === "snapshot")
      add(this.snapshots, server.id, { id: `snp_${id}`, object: "snapshot", name: ask.name ?? "", ...copy });
    if (ask.type === "backup")
      add(this.backups, server.id, {
        id: `bak_${id}`,
        object: "backup",
        name: ask.name ?? "",
        size_bytes: 3 * 2 ** 29,
        ...copy,
      });
    if (ask.type === "snapshot_delete" && "snapshot" in ask) remove(this.snapshots, server.id, ask.snapshot);
    if (ask.type === "backup_delete" && "backup" in ask) remove(this.backups, server.id, ask.backup);
  }

  private putOperation(operation: Operation): void {
    this.operations.set(operation.id, operation);
    const { id } = operation.resource;
    const server = this.servers.get(id)!;
    this.push({
      event: "operation.updated",
      data: { server_id: id, operation_id: operation.id, version: server.version, resource: operation },
    });
  }

  private note(id: string, title: string, label: string, operation_id: string): void {
    this.entries += 1;
    const entry = {
      id: `hist_${this.entries}`,
      at: new Date().toISOString(),
      actor: { type: "user" as const, label },
      title,
      detail: null,
      operation_id,
      request_id: `req_${this.entries}`,
    };
    this.history.set(id, [entry, ...(this.history.get(id) ?? [])]);
  }

  private push(change: Omit<Pushed, "id">): void {
    const pushed = structuredClone({ id: `log:${this.log.length + 1}`, ...change }) as Pushed;
    this.log.push(pushed);
    for (const listener of this.listeners) listener(pushed);
  }
}
