import type { HistoryEntry, Operation, Server, ServerCreate, ServerStatus, User } from "@/api/types";
import { admin, anOperation, aServer, customer, images, locations, plans } from "./fixtures";

interface Plot {
  steps: readonly string[];
  during: ServerStatus;
  after: ServerStatus;
}

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
  terminate: { steps: ["stop", "schedule"], during: "terminating", after: "terminating" },
  restore: { steps: ["restore"], during: "terminating", after: "stopped" },
};

export interface Pushed {
  id: string;
  event: "server.updated" | "operation.updated";
  data: { server_id: string; operation_id: string | null; version: number; resource: Server | Operation };
}

/** A service in memory: servers move through their operations one step per `tick`. */
export class MockDb {
  readonly servers = new Map<string, Server>();
  readonly operations = new Map<string, Operation>();
  readonly history = new Map<string, HistoryEntry[]>();
  readonly listeners = new Set<(pushed: Pushed) => void>();
  readonly log: Pushed[] = [];
  readonly users: Record<string, User> = { [customer.email]: customer, [admin.email]: admin };
  readonly password = "correct horse";
  purgeAfterMs = 30_000;
  private entries = 0;

  constructor(servers: Server[] = []) {
    for (const server of servers) this.servers.set(server.id, server);
  }

  create(order: ServerCreate, by: User): { server: Server; operation: Operation } {
    const { id, name, vcpus, memory_mib, disk_gib } = plans.find((plan) => plan.id === order.plan)!;
    const image = images.find((each) => each.id === order.image)!;
    const location = locations.find((each) => each.id === order.location)!;
    const server = aServer({
      name: order.name,
      plan: { id, name, vcpus, memory_mib, disk_gib },
      image: { id: image.id, name: image.name },
      location: { id: location.id, name: location.name },
      ips: [],
      created_at: new Date().toISOString(),
    });
    this.servers.set(server.id, server);
    const operation = this.act(server.id, "create", by);
    return { server: this.servers.get(server.id)!, operation };
  }

  act(id: string, type: string, by: User): Operation {
    const server = this.servers.get(id)!;
    const plot = plots[type]!;
    const operation = anOperation(server, type, plot.steps, by);
    this.note(id, `Asked for: ${type}`, by.email, operation.id);
    this.putOperation(operation);
    this.change(id, { status: plot.during, current_operation: operation.id });
    return operation;
  }

  newestOperation(): Operation {
    return [...this.operations.values()].at(-1)!;
  }

  /** Every running operation takes one step further. */
  tick(): void {
    for (const operation of this.operations.values()) {
      if (!operation.finished_at) this.advance(structuredClone(operation));
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
    if (next) Object.assign(next, { status: "running", started_at: now });
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
    const changes: Partial<Server> = { status: plots[operation.type]!.after, current_operation: null, purge_at: null };
    if (operation.type === "terminate") changes.purge_at = new Date(Date.now() + this.purgeAfterMs).toISOString();
    if (operation.type === "create") changes.ips = aServer().ips;
    this.change(id, changes);
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
