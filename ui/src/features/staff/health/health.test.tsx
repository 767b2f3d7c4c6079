import { screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { renderApp } from "@/mock/app";
import { admin } from "@/mock/fixtures";
import { aDecision, aHealth } from "@/mock/staff";

const part = (name: string) => screen.findByRole("region", { name });

test("how far behind everything is stands there, and which programs run", async () => {
  const { db } = renderApp("/admin/health", { user: admin });
  const [program] = aHealth().programs;
  db.staff.health = aHealth({
    projections: [{ name: "views", events: 12, seconds: 1.5, moved_at: "2026-11-01T10:00:00Z", code_version: 1 }],
    programs: [{ ...program!, name: "hostler-service", address: "192.0.2.4" }],
  });
  expect(await part("Work")).toHaveTextContent("12 events behind, 1.5 s");
  expect(screen.getByRole("list", { name: "Programs" })).toHaveTextContent("hostler-service 192.0.2.4, 3 connections");
  expect(screen.getByText("hostler-orchestrator is not running")).toBeVisible();
  expect(screen.getByText("hostler-projector is not running")).toBeVisible();
  expect(screen.queryByText("hostler-service is not running")).toBeNull();
});

test("changes are paused with a reason, and go on again", async () => {
  const { db, user } = renderApp("/admin/health", { user: admin });
  await user.click(await screen.findByRole("button", { name: "Pause" }));
  const question = await screen.findByRole("alertdialog");
  await user.type(within(question).getByLabelText("Reason"), "a storm");
  await user.click(within(question).getByRole("button", { name: "Pause" }));
  expect(await screen.findByText("a storm")).toBeVisible();
  expect(db.staff.health.effects.paused).toBe(true);
  await user.click(await screen.findByRole("button", { name: "Go on" }));
  await user.click(within(await screen.findByRole("alertdialog")).getByRole("button", { name: "Go on" }));
  await waitFor(() => expect(db.staff.health.effects.paused).toBe(false));
  expect(await screen.findByText("They are made as they are asked for.")).toBeVisible();
});

test("what staff decided stands there with who and why", async () => {
  const { db } = renderApp("/admin/health", { user: admin });
  const about = aDecision().about;
  db.staff.decisions = [
    aDecision({ id: "dec_3", reason: "moving racks" }),
    aDecision({
      id: "dec_2",
      kind: "suspensions_let_through",
      by: { id: "usr_1", name: "Root" },
      about: { ...about, minutes: 10 },
    }),
    aDecision({ id: "dec_1", kind: "drift_adopted", about: { ...about, server: "srv_1", drift: "renamed" } }),
  ];
  const list = await screen.findByRole("list", { name: "What staff decided" });
  const [paused, allowed, adopted] = within(list).getAllByRole("listitem");
  expect(paused).toHaveTextContent(/^Changes on Proxmox pausedmoving racksby carl@host,/);
  expect(allowed).toHaveTextContent(/^Many suspensions let through, for 10 minutesby Root,/);
  expect(within(adopted!).getByRole("link", { name: "The server" })).toHaveAttribute("href", "/servers/srv_1");
});

test("where nothing was decided it says so", async () => {
  renderApp("/admin/health", { user: admin });
  const decided = await part("What staff decided");
  expect(await within(decided).findByText("Nothing was decided so far.")).toBeVisible();
});

test("many suspensions at once wait for staff to agree", async () => {
  const { db, user } = renderApp("/admin", { user: admin });
  db.staff.holds = { ...db.staff.holds, waiting: 61, waiting_since: "2026-11-01T10:00:00Z" };
  expect(await screen.findByText(/61 services wait; beyond 50/)).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Let them go on for 10 minutes" }));
  const question = await screen.findByRole("alertdialog");
  await user.click(within(question).getByRole("button", { name: "Let them go on for 10 minutes" }));
  expect(await screen.findByText("Nothing needs attention")).toBeVisible();
});
