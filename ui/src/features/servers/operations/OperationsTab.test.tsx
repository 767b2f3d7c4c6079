import { act, screen, waitFor, within } from "@testing-library/react";
import { http, HttpResponse } from "msw";
import { expect, test } from "vitest";
import { admin, aServer, customer } from "@/mock/fixtures";
import { button, openServer } from "@/mock/serverPage";
import { network } from "@/mock/setup";

const NO_ROOM = { code: "no_room", message: "There is no room right now.", retryable: true, debug: null };

test("every operation is listed, and one has its own URL with steps, times and request id", async () => {
  const server = aServer({ status: "stopped" });
  const { db, finish, user, url } = await openServer(server, "/operations");
  expect(await screen.findByText("No operations yet")).toBeVisible();
  await act(async () => void db.act(server.id, { type: "start" }, customer));
  await finish();
  const list = await screen.findByRole("list", { name: "Operations" });
  await user.click(await within(list).findByRole("link", { name: "Starting" }));
  const panel = await screen.findByRole("region", { name: "Starting" });
  expect(url()).toBe(`/servers/${server.id}/operations/${db.newestOperation().id}`);
  expect(within(panel).getByRole("list", { name: "Steps" })).toHaveTextContent("Start: Done");
  expect(panel).toHaveTextContent("req_mock");
  expect(panel).toHaveTextContent("Asked for by you");
  expect(within(list).getByRole("listitem")).toHaveTextContent(/Done, took/);
});

test("an operation that failed can be tried again, and is followed to its end", async () => {
  const server = aServer({ status: "stopped" });
  const { db, tick, finish, user } = await openServer(server);
  await act(async () => void db.act(server.id, { type: "start" }, customer));
  await tick();
  await act(async () => db.fail(db.newestOperation().id, NO_ROOM));
  expect(await screen.findByText(NO_ROOM.message)).toBeVisible();
  await user.click(await button("Try again"));
  await waitFor(() => expect(screen.queryByText(NO_ROOM.message)).toBeNull());
  await finish();
  expect(await screen.findByText("Running")).toBeVisible();
});

test("what trying again would not help says so", async () => {
  const server = aServer({ status: "stopped" });
  const { db } = await openServer(server);
  await act(async () => void db.act(server.id, { type: "start" }, customer));
  await act(async () => db.fail(db.newestOperation().id, { ...NO_ROOM, retryable: false }));
  expect(await button("Try again")).toHaveAccessibleDescription("Trying again would not help.");
});

test("what has not begun can be given up; what has begun cannot", async () => {
  const server = aServer();
  const { db, tick, user } = await openServer(server);
  await act(async () => void db.act(server.id, { type: "reboot" }, customer));
  await user.click(await button("Cancel this"));
  expect(await screen.findByText("Cancelled")).toBeVisible();
  expect(await screen.findByText("Running")).toBeVisible();
  await act(async () => void db.act(server.id, { type: "reboot" }, customer));
  expect(await button("Cancel this")).toBeVisible();
  await tick();
  await waitFor(() => expect(screen.queryByRole("button", { name: "Cancel this" })).toBeNull());
});

async function stuck(user: typeof customer) {
  const server = aServer();
  const app = await openServer(server, "", user);
  await act(async () => void app.db.act(server.id, { type: "reboot" }, customer));
  await act(async () => app.db.fail(app.db.newestOperation().id, NO_ROOM, "needs_attention"));
  return app;
}

test("what waits for staff is theirs to end, not the customer's", async () => {
  await stuck(customer);
  expect(await button("Try again")).toHaveAccessibleDescription(/Our staff look at this/);
  expect(await button("Cancel this")).toHaveAccessibleDescription(/Our staff look at this/);
});

test("staff can end what waits for them", async () => {
  const { user, db } = await stuck(admin);
  await user.click(await button("Cancel this"));
  await waitFor(() => expect(db.newestOperation().status).toBe("cancelled"));
});

test("a refusal says why and keeps the operation on the screen", async () => {
  const server = aServer({ status: "stopped" });
  const { db, user } = await openServer(server);
  await act(async () => void db.act(server.id, { type: "start" }, customer));
  await act(async () => db.fail(db.newestOperation().id, NO_ROOM));
  const problem = {
    title: "Busy",
    detail: "Another one runs.",
    status: 409,
    code: "conflict",
    request_id: "req_5",
    errors: [],
  };
  network.use(http.post("*/v1/servers/:id/actions", () => HttpResponse.json(problem, { status: 409 })));
  await user.click(await button("Try again"));
  expect(await screen.findByRole("alert")).toHaveTextContent("req_5");
  expect(screen.getByText(NO_ROOM.message)).toBeVisible();
});

test("another server's operation is none of this one", async () => {
  const { db, go } = await openServer(aServer(), "/operations/op_none");
  expect(await screen.findByText("There is no such operation")).toBeVisible();
  const other = aServer();
  db.servers.set(other.id, other);
  const foreign = db.act(other.id, { type: "reboot" }, customer);
  await go(`${window.location.pathname}/../${foreign.id}`);
  expect(await screen.findByText("There is no such operation")).toBeVisible();
  expect(screen.queryByRole("list", { name: "Steps" })).toBeNull();
});
