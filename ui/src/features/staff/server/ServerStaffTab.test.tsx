import { screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { admin, aServer, customer } from "@/mock/fixtures";
import { renderApp } from "@/mock/app";
import { button, openServer } from "@/mock/serverPage";
import { paths } from "@/paths";

test("a server is suspended for two reasons; lifting one leaves the other", async () => {
  const { db, user, finish } = await openServer(aServer({ name: "shop" }), "/staff", admin);
  await user.click(await button("Suspend"));
  const dialog = await screen.findByRole("alertdialog", { name: "Suspend shop?" });
  await user.click(within(dialog).getByRole("radio", { name: /Abuse/ }));
  await user.type(within(dialog).getByLabelText("Note"), "spam");
  await user.click(within(dialog).getByRole("button", { name: "Suspend" }));
  expect(await button("Suspending…")).toBeVisible();
  await finish();
  const reasons = await screen.findByRole("list", { name: "Reasons of the suspension" });
  expect(reasons).toHaveTextContent("Abuse");

  await user.click(await button("Suspend"));
  const again = await screen.findByRole("alertdialog");
  expect(within(again).queryByRole("radio", { name: /Abuse/ })).toBeNull();
  await user.click(within(again).getByRole("button", { name: "Suspend" }));
  await screen.findByRole("button", { name: "Suspending…" });
  await finish();
  await user.click(await button("Lift: Abuse"));
  const lift = await screen.findByRole("alertdialog", { name: "Lift “Abuse” from shop?" });
  expect(lift).toHaveTextContent("it stays suspended");
  await user.click(within(lift).getByRole("button", { name: "Lift" }));
  await waitFor(() => expect(db.newestOperation().type).toBe("unsuspend"));
  await finish();
  await waitFor(() => expect(screen.queryByRole("button", { name: "Lift: Abuse" })).toBeNull());
  expect(screen.getByRole("button", { name: "Lift: Not paid" })).toBeVisible();
});

test("what was noted when it was suspended stands beside the reason", async () => {
  const suspension = { reason: "abuse", reasons: ["abuse"], since: "2026-11-01T10:00:00Z" };
  const server = aServer({ status: "suspended", suspension });
  const { db } = renderApp(paths.serverStaff(server.id), { user: admin, servers: [server] });
  db.staff.notes.set(`${server.id} abuse`, "spam from port 25");
  expect(await screen.findByRole("list", { name: "Reasons of the suspension" })).toHaveTextContent(
    "“spam from port 25”",
  );
});

test("what cannot be suspended says why", async () => {
  await openServer(aServer({ status: "unlinked" }), "/staff", admin);
  expect(await button("Suspend")).toHaveAccessibleDescription("No virtual machine is linked to this server.");
});

test("a server is only observed, which says what that means, and then nothing is done to it", async () => {
  const server = aServer({ name: "shop" });
  const { user } = await openServer(server, "/staff", admin);
  await user.click(await button("Only observe it"));
  const dialog = await screen.findByRole("alertdialog", { name: "Only observe shop?" });
  await user.click(within(dialog).getByRole("button", { name: "Only observe it" }));
  expect(await button("Manage it")).toBeVisible();
  expect(await button("Suspend")).toHaveAccessibleDescription(/observe mode/);
});

test("customers have no such tab, and learn nothing from its URL", async () => {
  await openServer(aServer(), "/staff", customer);
  expect(await screen.findByText("This page is for staff")).toBeVisible();
  expect(screen.queryByRole("link", { name: "Staff" })).toBeNull();
});
