import { act, screen, waitFor, within } from "@testing-library/react";
import { http, HttpResponse } from "msw";
import { expect, test } from "vitest";
import { aServer, customer, plans } from "@/mock/fixtures";
import { button, openServer } from "@/mock/serverPage";
import { network } from "@/mock/setup";

const small = { ...plans[0]! };
const medium = { ...plans[1]! };
const section = (name: string) => screen.findByRole("region", { name });

test("a snapshot is taken by name, and its progress stands where it will be", async () => {
  const { user, finish } = await openServer(aServer({ plan: medium }), "/backups");
  const snapshots = await section("Snapshots");
  expect(await within(snapshots).findByText("No snapshots yet")).toBeVisible();
  expect(await within(snapshots).findByText("0 of 3")).toBeVisible();
  await user.click(within(snapshots).getByRole("button", { name: "Take snapshot" }));
  const dialog = await screen.findByRole("alertdialog", { name: "Take a snapshot" });
  await user.type(within(dialog).getByLabelText("Name"), "before upgrade");
  await user.click(within(dialog).getByRole("button", { name: "Take snapshot" }));
  expect(await within(snapshots).findByRole("button", { name: "Taking a snapshot…" })).toBeVisible();
  expect(within(snapshots).getByRole("progressbar", { name: "Taking a snapshot" })).toBeInTheDocument();
  await finish();
  const list = await within(snapshots).findByRole("list", { name: "Snapshots" });
  expect(list).toHaveTextContent("before upgrade");
  expect(within(snapshots).getByText("1 of 3")).toBeVisible();
});

async function withSnapshot() {
  const server = aServer({ plan: small, name: "shop" });
  const app = await openServer(server, "/backups");
  await act(async () => void app.db.act(server.id, { type: "snapshot", name: "kept" }, customer));
  await app.finish();
  await screen.findByText("kept");
  return { ...app, server };
}

test("where the plan keeps no more, the button says so", async () => {
  await withSnapshot();
  await waitFor(async () =>
    expect(await button("Take snapshot")).toHaveAccessibleDescription("Your plan keeps 1. Delete one first."),
  );
  expect(await button("Take backup")).toHaveAccessibleDescription("Your plan includes none.");
});

test("restoring names what is lost and asks for the server's name", async () => {
  const { user, db, finish } = await withSnapshot();
  await user.click(await button("Restore kept"));
  const dialog = await screen.findByRole("alertdialog", { name: "Restore “kept”?" });
  expect(dialog).toHaveTextContent(/Everything written to the disk since .* is lost/);
  const restore = within(dialog).getByRole("button", { name: "Restore snapshot" });
  expect(within(dialog).getByRole("time")).toHaveAttribute("title", expect.stringMatching(/ UTC$/));
  expect(dialog).not.toHaveTextContent("|");
  expect(restore).toHaveAttribute("aria-disabled", "true");
  await user.type(within(dialog).getByLabelText("Type shop to confirm"), "shop");
  await user.click(restore);
  await waitFor(() => expect(screen.queryByRole("alertdialog")).toBeNull());
  expect(await button("Restoring…")).toHaveAttribute("aria-disabled", "true");
  expect(db.newestOperation().type).toBe("snapshot_restore");
  await finish();
  expect(await screen.findByText("Running")).toBeVisible();
});

test("deleting takes it from the list once it is gone", async () => {
  const { user, finish } = await withSnapshot();
  await user.click(await button("Delete kept"));
  const dialog = await screen.findByRole("alertdialog", { name: "Delete “kept”?" });
  await user.click(within(dialog).getByRole("button", { name: "Delete snapshot" }));
  await waitFor(() => expect(screen.queryByRole("alertdialog")).toBeNull());
  expect(await button("Deleting…")).toBeVisible();
  await finish();
  expect(await screen.findByText("No snapshots yet")).toBeVisible();
});

test("a backup tells its size; refused, the dialog keeps what was typed", async () => {
  const server = aServer({ plan: medium });
  const { user, db, finish } = await openServer(server, "/backups");
  await act(async () => void db.act(server.id, { type: "backup", name: "weekly" }, customer));
  await finish();
  expect(await within(await section("Backups")).findByText(/1\.5 GiB/)).toBeVisible();
  const problem = {
    title: "No",
    detail: "Backups are not offered here.",
    status: 409,
    code: "not_allowed",
    request_id: "req_8",
    errors: [],
  };
  network.use(http.post("*/v1/servers/:id/actions", () => HttpResponse.json(problem, { status: 409 })));
  await waitFor(async () => expect(await button("Take backup")).not.toHaveAttribute("aria-disabled"));
  await user.click(await button("Take backup"));
  const dialog = await screen.findByRole("alertdialog", { name: "Take a backup" });
  await user.type(within(dialog).getByLabelText("Name"), "again");
  await user.click(within(dialog).getByRole("button", { name: "Take backup" }));
  expect(await within(dialog).findByRole("alert")).toHaveTextContent("Backups are not offered here.");
  expect(within(dialog).getByRole("alert")).toHaveTextContent("req_8");
  expect(within(dialog).getByLabelText("Name")).toHaveValue("again");
});
