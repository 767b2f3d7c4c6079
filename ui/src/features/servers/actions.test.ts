import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { MemberRole, ServerStatus } from "@/api/types";
import { admin as staff, anOperation, aServer } from "@/mock/fixtures";
import { allowed, mayAsk, offered, whyNot, type Action } from "./actions";

const possible = (status: ServerStatus) =>
  (["start", "shutdown", "reboot", "stop", "terminate", "restore"] as Action[]).filter(
    (action) => whyNot(action, aServer({ status })) === null,
  );

test.each<[ServerStatus, Action[]]>([
  ["running", ["shutdown", "reboot", "stop", "terminate"]],
  ["stopped", ["start", "terminate"]],
  ["paused", ["shutdown", "stop", "terminate"]],
  ["failed", ["terminate"]],
  ["terminating", ["restore"]],
  ["provisioning", []],
  ["unlinked", []],
  ["unknown", []],
  ["terminated", []],
])("%s allows %j", (status, actions) => {
  expect(possible(status)).toEqual(actions);
});

test("an operation in progress blocks all others and is named", () => {
  const server = aServer({ status: "stopping" });
  const operation = anOperation(server, "shutdown", ["shutdown"], staff);
  const busy = { ...server, current_operation: operation.id };
  expect(whyNot("stop", busy, operation)).toBe("Wait until this is finished: shutting down.");
  expect(whyNot("stop", busy)).toBe("Wait until this is finished: stopping.");
});

test("delete protection blocks only the termination", () => {
  const server = aServer({ protection: { delete: true } });
  expect(whyNot("terminate", server)).toBe("Delete protection is on.");
  expect(whyNot("reboot", server)).toBeNull();
});

test("staff may terminate what is suspended, its owner may not", () => {
  const server = aServer({ status: "suspended" });
  const admin = { cluster: "demo", node: "pve1", vmid: 101, owner: "acc_1", mode: "manage" as const, holds: [] };
  expect(whyNot("terminate", server)).not.toBeNull();
  expect(whyNot("terminate", { ...server, admin })).toBeNull();
  expect(whyNot("start", { ...server, admin })).not.toBeNull();
});

test("after the purge time there is nothing to undo", () => {
  expect(whyNot("restore", aServer({ status: "terminating", purge_at: "2020-01-01T00:00:00Z" }))).toBe(
    "The time to undo is over.",
  );
});

test("observe mode does nothing to the guest", () => {
  const admin = { cluster: "demo", node: "pve1", vmid: 101, owner: "acc_1", mode: "observe" as const, holds: [] };
  expect(whyNot("reboot", aServer({ admin }))).toMatch(/observe mode/);
});

test("a terminating server offers only the way back, a terminated one nothing", () => {
  expect(offered(aServer({ status: "terminating" }))).toEqual(["restore"]);
  expect(offered(aServer({ status: "terminated" }))).toEqual([]);
});

test("the table is the service's", () => {
  const description = JSON.parse(readFileSync("openapi.json", "utf8"));
  const rows = Object.entries(description.components.schemas.ServerAction["x-allowed"]);
  const theirs = Object.fromEntries(rows.filter(([action]) => action in allowed));
  expect(theirs).toEqual(
    Object.fromEntries(Object.entries(allowed).map(([action, statuses]) => [action, statuses.toSorted()])),
  );
});

test("who may ask for what is the service's", () => {
  const description = JSON.parse(readFileSync("openapi.json", "utf8"));
  const theirs: Record<string, MemberRole[]> = description.components.schemas.ServerAction["x-roles"];
  const roles: MemberRole[] = ["owner", "admin", "operator", "billing", "viewer"];
  for (const action of Object.keys(allowed) as Action[])
    expect([action, roles.filter((role) => mayAsk(action, role))]).toEqual([action, theirs[action]]);
});

test("a role that does not allow an action is named; staff need none", () => {
  const server = aServer();
  expect(whyNot("terminate", server, undefined, "operator")).toBe(
    "Your role in this account (Operator) does not allow this.",
  );
  expect(whyNot("reboot", server, undefined, "operator")).toBeNull();
  expect(whyNot("reboot", server, undefined, "viewer")).toMatch(/Viewer/);
  const admin = { cluster: "demo", node: "pve1", vmid: 101, owner: "acc_1", mode: "manage" as const, holds: [] };
  expect(whyNot("reboot", aServer({ admin }), undefined, "viewer")).toBeNull();
});
