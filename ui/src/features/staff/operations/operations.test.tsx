import { screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { renderApp } from "@/mock/app";
import { admin, aServer, customer } from "@/mock/fixtures";

/** A page of operations: one that goes on, and one that waits for staff. */
function given(path: string) {
  const [stuck, busy] = [aServer({ name: "stuck" }), aServer({ name: "busy" })];
  const app = renderApp(path, { user: admin, servers: [stuck, busy] });
  const { id } = app.db.act(stuck.id, { type: "reboot" }, customer);
  app.db.act(busy.id, { type: "snapshot", name: "a" }, customer);
  const error = { code: "x", message: "It did not come back.", retryable: false, debug: "VM 101 timeout" };
  app.db.fail(id, error, "needs_attention");
  return { ...app, id };
}

test("what has not ended is listed with where it is and why it does not go on", async () => {
  given("/admin/operations");
  const list = await screen.findByRole("list", { name: "Operations of all servers" });
  expect(await within(list).findByRole("link", { name: "stuck: Rebooting" })).toBeVisible();
  expect(within(list).getByRole("link", { name: "busy: Taking a snapshot" })).toBeVisible();
  expect(list).toHaveTextContent("demo · pve1 · VMID 101");
  expect(list).toHaveTextContent("It did not come back.");
  expect(list).toHaveTextContent("VM 101 timeout");
});

test("filters narrow the list and stand in the URL", async () => {
  const { user, url } = given("/admin/operations?cluster=demo");
  await screen.findByRole("link", { name: "stuck: Rebooting" });
  await user.selectOptions(screen.getByLabelText("State"), "Waits for staff");
  await waitFor(() => expect(screen.queryByRole("link", { name: "busy: Taking a snapshot" })).toBeNull());
  expect(url()).toBe("/admin/operations?cluster=demo&status=needs_attention");
  await user.selectOptions(screen.getByLabelText("What"), "Starting");
  expect(await screen.findByText("No such operation")).toBeVisible();
});

test("a step is skipped after a question that says what that means", async () => {
  const { user, db, id } = given("/admin/operations");
  await user.click(await screen.findByRole("button", { name: "Skip the step: stuck: Rebooting" }));
  const question = await screen.findByRole("alertdialog");
  expect(question).toHaveTextContent("The step counts as done, though nobody saw that it is.");
  await user.type(within(question).getByLabelText("Reason"), "The disk was grown by hand");
  await user.click(within(question).getByRole("button", { name: "Skip the step" }));
  await waitFor(() => expect(db.staff.decided).toEqual([[id, "skip", "The disk was grown by hand"]]));
});

test("how full everything is can be read and heard", async () => {
  renderApp("/admin/capacity", { user: admin });
  expect(await screen.findByRole("list", { name: "Nodes" })).toHaveTextContent("24 GiB of 64 GiB");
  expect(screen.getByRole("progressbar", { name: "Cores, pve1" })).toHaveAttribute("aria-valuenow", "16");
  expect(screen.getByRole("list", { name: "Nodes" })).toHaveTextContent("nothing more is placed here");
  expect(screen.getByRole("list", { name: "Address pools" })).toHaveTextContent("61 of 240 taken");
  expect(screen.getByRole("list", { name: "Copies and backups at once" })).toHaveTextContent("2 go on, 1 waits");
});
