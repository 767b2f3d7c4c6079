import { expect, test } from "vitest";
import { admin, anOperation, aServer } from "@/mock/fixtures";
import { laterOperation, newerList, newerServer } from "./fresh";

const server = aServer({ version: 5, name: "old" });
const list = (...servers: (typeof server)[]) => ({
  pages: [{ data: servers, page: { limit: 50, next_cursor: null, has_more: false } }],
  pageParams: [undefined],
});

test("an older state never replaces a newer one", () => {
  expect(newerServer(server, { ...server, version: 4, name: "older" }).name).toBe("old");
  expect(newerServer(server, { ...server, version: 6, name: "newer" }).name).toBe("newer");
  expect(newerServer(undefined, server)).toBe(server);
});

test("an answer without the fields for staff does not take them away", () => {
  const mine = { cluster: "demo", node: "pve1", vmid: 101, owner: "acc_1", mode: "manage" as const, holds: [] };
  expect(newerServer({ ...server, admin: mine }, { ...server, version: 6 }).admin).toBe(mine);
});

test("a list keeps the rows that are newer than the answer, and its order", () => {
  const other = aServer();
  const merged = newerList(list(server), list(other, { ...server, version: 4, name: "older" }));
  expect(merged.pages[0]!.data.map(({ name }) => name)).toEqual([other.name, "old"]);
});

test("an operation neither goes back nor unfinishes", () => {
  const operation = { ...anOperation(server, "start", ["start"], admin), progress: 50 };
  const finished = { ...operation, progress: 100, finished_at: "2026-11-01T00:00:00Z" };
  expect(laterOperation(operation, { ...operation, progress: 20 })).toBe(operation);
  expect(laterOperation(finished, operation)).toBe(finished);
  expect(laterOperation(operation, finished)).toBe(finished);
});

test("what failed may begin again; what succeeded may not", () => {
  const operation = { ...anOperation(server, "start", ["start"], admin), status: "running" as const, progress: 0 };
  const failed = { ...operation, status: "failed" as const, progress: 50, finished_at: "2026-11-01T00:00:00Z" };
  expect(laterOperation(failed, operation)).toBe(operation);
  const succeeded = { ...failed, status: "succeeded" as const };
  expect(laterOperation(succeeded, operation)).toBe(succeeded);
});
