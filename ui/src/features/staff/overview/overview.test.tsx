import { screen, within } from "@testing-library/react";
import { http, HttpResponse } from "msw";
import { expect, test } from "vitest";
import { renderApp } from "@/mock/app";
import { admin, aServer, customer } from "@/mock/fixtures";
import { network } from "@/mock/setup";
import { aHealth, anImportRun, aPace } from "@/mock/staff";
import { daysLeft, mattersOf } from "./matters";

const about = (of: Parameters<typeof mattersOf>[0]) => mattersOf(of).map(({ title, tone }) => [tone, title]);

test("what is worst comes first, and each matter leads to where it is seen to", () => {
  const health = aHealth({
    programs: [],
    effects: { ...aHealth().effects, paused: true, reason: "storage is full" },
    projections: [{ name: "views", events: 900, seconds: 61, moved_at: aHealth().at, code_version: 1 }],
    letters: { waiting: 0, given_up: 2 },
  });
  const found = mattersOf({ health, imports: [anImportRun({ finished_at: null })] });
  expect(found.map(({ tone }) => tone)).toEqual(["bad", "bad", "bad", "warn", "warn", "warn", "info"]);
  expect(found.at(-1)!.to).toBe("/admin/imports/run_1");
  expect(found.find(({ key }) => key === "effects")).toMatchObject({ help: "storage is full", to: "/admin/health" });
  expect(about({ health })).toContainEqual(["warn", "What is shown is 61 s behind"]);
});

test("a location is told of when it is full, or will be within a month", () => {
  const room = (changes: Parameters<typeof aPace>[0]) => about({ pace: aPace(changes) });
  expect(room({ room: 120, grown: 12 })).toEqual([]);
  expect(room({ room: 3, grown: 0 })).toEqual([]);
  expect(room({ room: 3, grown: 9 })).toEqual([["warn", "Frankfurt has room for about 3 more servers"]]);
  expect(room({ room: 0, grown: 0 })).toEqual([["bad", "Frankfurt has no room for another server"]]);
  expect(room({ room: null, grown: 5 })).toEqual([]);
  expect(daysLeft({ room: 3, grown: 9 })).toBe(10);
});

test("the pace of the day and the room of each location are told in figures, with ways to see more", async () => {
  const { db } = renderApp("/admin", { user: admin });
  db.staff.pace.hours = db.staff.pace.hours.map((hour) => ({ ...hour, begun: 5, creates: 2, failed: 0 }));
  const row = await screen.findByRole("row", { name: "Servers ordered 2 2 48" });
  expect(within(row).getByRole("link")).toHaveAttribute("href", "/admin/operations?status=any&type=create");
  const room = screen.getByRole("list", { name: "Room for servers" });
  expect(room).toHaveTextContent("Room for about 120 more: about 10 months, at the pace of the last 30 days.");
  expect(room).toHaveTextContent("Memory is over first.");
});

test("what fails is said once, with its request id, and the rest is shown", async () => {
  const { db } = renderApp("/admin", { user: admin });
  db.staff.health.effects.paused = true;
  const problem = { title: "No", detail: "The database is away.", status: 503, code: "x", request_id: "req_7" };
  for (const path of ["clusters", "pace", "drift"])
    network.use(http.get(`*/v1/admin/${path}`, () => HttpResponse.json(problem, { status: 503 })));
  expect(await screen.findByRole("alert")).toHaveTextContent("req_7");
  expect(await screen.findByRole("link", { name: "Changes on Proxmox are paused" })).toBeVisible();
  expect(screen.getAllByRole("alert")).toHaveLength(1);
  expect(screen.queryByText("Nothing needs attention")).toBeNull();
});

test("what fails again and again in the same way stands there once", async () => {
  const server = aServer({ name: "mail" });
  const { db } = renderApp("/admin", { user: admin, servers: [server] });
  for (const message of ["The storage is full.", "The storage is full.", "The node went away."])
    db.fail(db.act(server.id, { type: "backup" }, customer).id, { code: "x", message, retryable: false, debug: null });
  const failed = await screen.findByRole("list", { name: "Failed lately" });
  expect(within(failed).getAllByRole("listitem")).toHaveLength(2);
  expect(failed).toHaveTextContent("and once before in the same way");
});
