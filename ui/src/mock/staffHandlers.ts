import { http, HttpResponse, type HttpHandler } from "msw";
import type { components } from "@/api/schema";
import type { MockDb } from "./db";
import type { Guard } from "./handlers";
import { shelfHandlers } from "./shelf";

type Schemas = components["schemas"];

const forbidden = () =>
  HttpResponse.json(
    { title: "Only staff may do this.", detail: "Only staff may do this.", status: 403, errors: [] },
    { status: 403 },
  );
const missing = () =>
  HttpResponse.json(
    { title: "There is no such thing.", detail: "There never was such a server.", status: 404, errors: [] },
    { status: 404 },
  );
const list = <T>(data: T[]) => HttpResponse.json({ data, page: { limit: 200, next_cursor: null, has_more: false } });

function shown(db: MockDb, operation: Schemas["Operation"]): Schemas["StaffOperation"] {
  const { id, name } = db.servers.get(operation.resource.id)!;
  const server = { id, name, account: "acc_1", cluster: "demo", node: "pve1", vmid: 101 };
  return { ...operation, server, actions: operation.error ? ["retry", "skip", "abandon"] : [] };
}

/** The routes under /v1/admin, over what the mock database keeps for staff. */
export function staffHandlers(db: MockDb, guarded: Guard): HttpHandler[] {
  const { staff } = db;
  const forStaff: Guard = (answer) => guarded((call) => (call.user.role === "admin" ? answer(call) : forbidden()));
  const cluster = (name: string) => staff.clusters.find((each) => each.name === name)!;
  const found = (url: URL) => {
    const [status, type, where] = ["status", "type", "cluster"].map((name) => url.searchParams.get(name));
    const open = ["queued", "running", "needs_attention"];
    return [...db.operations.values()].filter(
      (each) =>
        (!status || each.status === status || (status === "open" && open.includes(each.status))) &&
        (!type || each.type === type) &&
        (!where || where === "demo"),
    );
  };
  return [
    ...shelfHandlers(staff.shelf, forStaff),
    http.get(
      "*/v1/admin/capacity",
      forStaff(() => HttpResponse.json(staff.capacity)),
    ),
    http.get(
      "*/v1/admin/pace",
      forStaff(() => HttpResponse.json(staff.pace)),
    ),
    http.get(
      "*/v1/admin/operations",
      forStaff(({ url }) =>
        list(
          found(url)
            .toReversed()
            .map((operation) => shown(db, operation)),
        ),
      ),
    ),
    http.post(
      "*/v1/admin/operations/:id",
      forStaff(async ({ request, id }) => {
        const { action, reason = "" } = (await request.json()) as Schemas["OperationDecision"];
        staff.decided.push([id, action, reason]);
        const operation = db.operations.get(id)!;
        db.operations.set(id, { ...operation, status: action === "abandon" ? "cancelled" : "queued", error: null });
        return HttpResponse.json({ operation: db.operations.get(id) }, { status: 202 });
      }),
    ),
    http.get(
      "*/v1/admin/drift",
      forStaff(({ url }) =>
        list(staff.drift.filter((each) => !each.ignored || url.searchParams.get("ignored") === "true")),
      ),
    ),
    http.post(
      "*/v1/admin/drift/:id",
      forStaff(async ({ request, id }) => {
        const { action } = (await request.json()) as Schemas["DriftAction"];
        staff.drift =
          action === "ignore"
            ? staff.drift.map((each) => (each.id === id ? { ...each, ignored: true } : each))
            : staff.drift.filter((each) => each.id !== id);
        return HttpResponse.json({ id, object: "drift_settlement", action, operation: null });
      }),
    ),
    http.get(
      "*/v1/admin/health",
      forStaff(() => HttpResponse.json(staff.health)),
    ),
    http.get(
      "*/v1/admin/decisions",
      forStaff(() => list(staff.decisions)),
    ),
    http.post(
      "*/v1/admin/effects",
      forStaff(async ({ request }) => {
        const { paused, reason = "" } = (await request.json()) as Schemas["EffectsChange"];
        staff.health.effects = { ...staff.health.effects, paused, reason: paused ? reason : null };
        return HttpResponse.json(staff.health.effects);
      }),
    ),
    http.get(
      "*/v1/admin/holds",
      forStaff(() => HttpResponse.json(staff.holds)),
    ),
    http.post(
      "*/v1/admin/holds",
      forStaff(() => {
        staff.holds = { ...staff.holds, waiting: 0, waiting_since: null };
        return HttpResponse.json(staff.holds);
      }),
    ),
    http.get(
      "*/v1/admin/time-machine",
      forStaff(({ url }) => {
        staff.pastAsked.push(Object.fromEntries(url.searchParams));
        if (!staff.past) return missing();
        return HttpResponse.json(staff.past);
      }),
    ),
    http.get(
      "*/v1/admin/clusters",
      forStaff(() => list(staff.clusters)),
    ),
    http.post(
      "*/v1/admin/clusters/:id/maintenance",
      forStaff(async ({ request, id }) => {
        const { on, node = null, reason = "" } = (await request.json()) as Schemas["MaintenanceChange"];
        const kept = cluster(id).maintenance.filter((each) => each.node !== node);
        cluster(id).maintenance = on ? [...kept, { node, reason }] : kept;
        return HttpResponse.json(cluster(id));
      }),
    ),
    http.post(
      "*/v1/admin/clusters/:id/mode",
      forStaff(async ({ request, id }) => {
        cluster(id).mode = ((await request.json()) as Schemas["ClusterModeChange"]).mode;
        return HttpResponse.json(cluster(id));
      }),
    ),
    http.post(
      "*/v1/admin/servers/mode",
      forStaff(async ({ request }) => {
        const { mode, servers } = (await request.json()) as Schemas["ModeChange"];
        for (const id of servers ?? db.servers.keys())
          if (mode === "observe") staff.observed.add(id);
          else staff.observed.delete(id);
        return HttpResponse.json({ object: "mode_change", mode, changed: db.servers.size, has_more: false });
      }),
    ),
    http.get(
      "*/v1/admin/imports",
      forStaff(() => list(staff.imports)),
    ),
    http.get(
      "*/v1/admin/imports/:id",
      forStaff(({ id }) => {
        const run = staff.imports.find((each) => each.id === id);
        return run ? HttpResponse.json(run) : HttpResponse.json({ title: "None", status: 404 }, { status: 404 });
      }),
    ),
    http.get(
      "*/v1/admin/destroys",
      forStaff(() => HttpResponse.json(staff.destroys)),
    ),
    http.post(
      "*/v1/admin/destroys",
      forStaff(() => {
        staff.destroys = { ...staff.destroys, waiting_since: null };
        return HttpResponse.json(staff.destroys);
      }),
    ),
    http.get(
      "*/v1/admin/addresses/:id",
      forStaff(({ id, url }) => {
        const at = url.searchParams.get("at");
        const had = ({ since, until }: { since: string; until: string | null }) =>
          !at || (since <= at && (!until || until > at));
        return HttpResponse.json({ address: id, object: "address", at, holders: staff.holders.filter(had) });
      }),
    ),
  ];
}
