import { screen, waitFor, within } from "@testing-library/react";
import { http, HttpResponse } from "msw";
import { expect, test } from "vitest";
import type { Server } from "@/api/types";
import { renderApp } from "@/mock/app";
import { admin, anOperation, aServer, everyStatus } from "@/mock/fixtures";
import { aMember, anAccount } from "@/mock/people";
import { network } from "@/mock/setup";

async function open(server: Server, path = "") {
  const app = renderApp(`/servers/${server.id}${path}`, { servers: [server] });
  await screen.findByRole("heading", { name: server.name });
  await waitFor(() => expect(app.db.listeners.size).toBe(1));
  return app;
}

const button = (name: string) => screen.findByRole("button", { name });

test("it shows the specifications and the addresses", async () => {
  const server = aServer({ plan: { id: "pln_x", name: "Large", vcpus: 4, memory_mib: 8192, disk_gib: 80 } });
  await open(server);
  const specs = await screen.findByRole("region", { name: "Specifications" });
  for (const text of ["Large", "4 cores", "8 GiB", "80 GiB", "Debian 12", "Frankfurt", server.id])
    expect(specs).toHaveTextContent(text);
  expect(screen.getByRole("region", { name: "Addresses" })).toHaveTextContent(server.ips[0]!.address);
});

test("a button that cannot be pressed says why", async () => {
  const { user } = await open(aServer({ status: "stopped" }));
  const shutDown = await button("Shut down");
  expect(shutDown).toHaveAttribute("aria-disabled", "true");
  expect(shutDown).toHaveAccessibleDescription("The server is stopped already.");
  await user.click(shutDown);
  expect(screen.getByText("The server is stopped already.", { selector: "[role=status]" })).toBeVisible();
  expect(await button("Start")).not.toHaveAttribute("aria-disabled");
});

test("who may only look is told so before a refusal", async () => {
  const server = aServer();
  const { db } = renderApp(`/servers/${server.id}`, { servers: [server] });
  db.people.accounts.splice(0, 1, anAccount({ role: "viewer", members: [aMember({ role: "viewer" })] }));
  await screen.findByRole("heading", { name: server.name });
  await waitFor(async () =>
    expect(await button("Reboot")).toHaveAccessibleDescription(
      "Your role in this account (Viewer) does not allow this.",
    ),
  );
});

test("shutting down says Stopping… until the server is seen stopped", async () => {
  const { user, tick } = await open(aServer());
  await user.click(await button("Shut down"));
  expect(await button("Stopping…")).toHaveAttribute("aria-disabled", "true");
  expect(await button("Reboot")).toHaveAccessibleDescription("Wait until this is finished: shutting down.");
  await tick();
  const steps = await screen.findByRole("list", { name: "Steps" });
  await waitFor(() =>
    expect(within(steps).getByText("Ask the system to shut down").parentElement).toHaveTextContent("Now"),
  );
  await tick();
  expect(await button("Shut down")).toHaveAccessibleDescription("The server is stopped already.");
  expect(screen.getByText("Stopped")).toBeVisible();
  expect(within(steps).getAllByText(": Done")).toHaveLength(1);
});

test("a refused action says why, with the request id", async () => {
  const { user } = await open(aServer());
  const problem = {
    type: "about:blank",
    title: "Busy",
    detail: "Another operation is in progress.",
    status: 409,
    code: "operation_in_progress",
    request_id: "req_9",
  };
  network.use(http.post("*/v1/servers/:id/actions", () => HttpResponse.json(problem, { status: 409 })));
  await user.click(await button("Reboot"));
  const alert = await screen.findByRole("alert");
  expect(alert).toHaveTextContent("“Reboot” was not accepted");
  expect(alert).toHaveTextContent("Another operation is in progress.");
  expect(alert).toHaveTextContent("req_9");
});

test("terminating asks for the name, and can be undone", async () => {
  const server = aServer({ name: "shop" });
  const { user, tick, db } = await open(server);
  await user.click(await button("Terminate"));
  const dialog = await screen.findByRole("alertdialog", { name: "Terminate shop?" });
  expect(dialog).toHaveTextContent(server.ips[0]!.address);
  await user.type(within(dialog).getByLabelText("Type shop to confirm"), "sho{Enter}");
  expect(within(dialog).getByRole("button", { name: "Terminate" })).toHaveAttribute("aria-disabled", "true");
  expect(db.operations.size).toBe(0);
  await user.type(within(dialog).getByLabelText("Type shop to confirm"), "p");
  await user.click(within(dialog).getByRole("button", { name: "Terminate" }));
  await waitFor(() => expect(db.operations.size).toBe(1));
  for (let n = 0; n < 3; n += 1) await tick();
  expect(await screen.findByText(/Until then you can undo it/)).toBeVisible();
  await user.click(await button("Undo termination"));
  expect(await button("Undoing…")).toBeVisible();
  for (let n = 0; n < 2; n += 1) await tick();
  expect(await screen.findByText("Stopped")).toBeVisible();
});

test("the last operation, if it failed, tells the reason in plain words until closed", async () => {
  const server = aServer({ status: "stopped" });
  const { db, user } = renderApp(`/servers/${server.id}`, { servers: [server] });
  const operation = db.act(server.id, { type: "start" }, admin);
  const error = {
    code: "no_room",
    message: "There is no room for this server right now.",
    retryable: true,
    debug: null,
  };
  db.operations.set(operation.id, { ...operation, status: "failed", error, finished_at: new Date().toISOString() });
  db.change(server.id, { status: "stopped", current_operation: null });
  expect(await screen.findByText(error.message)).toBeVisible();
  await user.click(await button("Close"));
  expect(screen.queryByText(error.message)).toBeNull();
});

test("an operation that fails at once is not missed by who asked for it", async () => {
  const server = aServer({ status: "stopped" });
  const { user } = await open(server);
  const error = {
    code: "no_room",
    message: "There is no room for this server right now.",
    retryable: true,
    debug: null,
  };
  const operation = {
    ...anOperation(server, "start", ["start"], admin),
    status: "failed" as const,
    error,
    finished_at: new Date().toISOString(),
  };
  network.use(http.post("*/v1/servers/:id/actions", () => HttpResponse.json({ operation }, { status: 202 })));
  network.use(http.get("*/v1/operations/:id", () => HttpResponse.json(operation)));
  await user.click(await button("Start"));
  expect(await screen.findByText(error.message)).toBeVisible();
});

test("unlinked and unknown explain themselves", async () => {
  const servers = everyStatus();
  const unlinked = servers.find(({ status }) => status === "unlinked")!;
  const unknown = servers.find(({ status }) => status === "unknown")!;
  const { go } = renderApp(`/servers/${unlinked.id}`, { servers });
  expect(await screen.findByText("No virtual machine with the number 131 was found on the cluster.")).toBeVisible();
  expect(await button("Start")).toHaveAccessibleDescription("No virtual machine is linked to this server.");
  await go(`/servers/${unknown.id}`);
  expect(await screen.findByText(/Last seen: Running, as of/)).toBeVisible();
});

test("a time that is not of today has its day, and what lasts days is not counted in minutes", async () => {
  const unknown = aServer({ status: "unknown", last_status: "running", observed_at: "2026-03-03T12:05:00Z" });
  const inThreeDays = new Date(Date.now() + 72 * 3_600_000).toISOString();
  const ending = aServer({ status: "terminating", purge_at: inThreeDays });
  const { go } = renderApp(`/servers/${unknown.id}`, { servers: [unknown, ending] });
  const seen = await screen.findByText(/^Last seen: Running, as of/);
  expect(seen).toHaveTextContent("as of Mar 3, 2026, ");
  expect(within(seen).getByRole("time")).toHaveAttribute("title", "Mar 3, 2026, 12:05:00 PM UTC");
  await go(`/servers/${ending.id}`);
  expect(await screen.findByText(/, in (3 d 0 h|2 d 23 h)\. Until then you can undo it/)).toBeVisible();
});

test("a suspended server says why, since when and what stays", async () => {
  const suspended = everyStatus().find(({ status }) => status === "suspended")!;
  await open(suspended);
  expect(screen.getByText(/An invoice is overdue/)).toBeVisible();
  expect(screen.getByText(/^Since .*Nothing is deleted/)).toBeVisible();
  expect(await button("Start")).toHaveAccessibleDescription("Not possible while the status is “Suspended”.");
});

test("history tells who did what, and leads to the operation", async () => {
  const server = aServer();
  const { user, tick, url } = await open(server, "/history");
  expect(await screen.findByText("Nothing has happened yet")).toBeVisible();
  await user.click(await button("Reboot"));
  for (let n = 0; n < 3; n += 1) await tick();
  const history = await screen.findByRole("list", { name: "History" });
  await waitFor(() => expect(history).toHaveTextContent("Done: reboot by Hostler"));
  expect(history).toHaveTextContent("Asked for: reboot by ada@example.com");
  await user.click(within(history).getAllByRole("link", { name: "Show the operation" })[0]!);
  await waitFor(() => expect(url()).toMatch(/\/operations\/op_/));
  await waitFor(() => expect(screen.getByRole("region", { name: "Rebooting" })).toBeVisible());
  expect(screen.getByRole("link", { name: "History" })).toBeVisible();
});

test("somebody else's server is no server", async () => {
  renderApp("/servers/srv_other");
  expect(await screen.findByText("There is no such server")).toBeVisible();
});
