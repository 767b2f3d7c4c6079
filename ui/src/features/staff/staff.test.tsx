import { act, screen, waitFor, within } from "@testing-library/react";
import { http, HttpResponse } from "msw";
import { expect, test } from "vitest";
import { renderApp } from "@/mock/app";
import { admin, aServer, customer } from "@/mock/fixtures";
import { network } from "@/mock/setup";
import { aCluster, aDrift } from "@/mock/staff";

const button = (name: string | RegExp) => screen.findByRole("button", { name });

/** Press a button, then the same in the question it asks. */
async function confirm(user: ReturnType<typeof renderApp>["user"], name: string | RegExp, inside: string) {
  await user.click(await button(name));
  const dialog = await screen.findByRole("alertdialog");
  await user.click(within(dialog).getByRole("button", { name: inside }));
  return dialog;
}

test("customers are not offered the pages of staff, and learn nothing from their URL", async () => {
  renderApp("/admin", { user: customer });
  expect(await screen.findByText("This page is for staff")).toBeVisible();
  expect(screen.queryByRole("link", { name: "Staff" })).toBeNull();
});

test("the pages for staff are at hand; the menu that narrow screens have of them closes when another opens", async () => {
  const { user } = renderApp("/admin", { user: admin });
  const menu = await button("Pages");
  await user.click(menu);
  expect(menu).toHaveAttribute("aria-expanded", "true");
  const pages = screen.getByRole("navigation", { name: "Staff" });
  expect(within(pages).getByRole("link", { name: "Overview" })).toHaveAttribute("aria-current", "page");
  await user.click(within(pages).getByRole("link", { name: "Catalogue" }));
  expect(await screen.findByRole("heading", { level: 1, name: "Catalogue" })).toBeVisible();
  expect(await button("Pages")).toHaveAttribute("aria-expanded", "false");
});

test("when all is well, it says so", async () => {
  renderApp("/admin", { user: admin });
  expect(await screen.findByText("Nothing needs attention")).toBeVisible();
  expect(screen.getByRole("link", { name: "Staff" })).toBeVisible();
});

test("what needs attention is listed with Proxmox's words, and can be tried again or given up", async () => {
  const server = aServer({ name: "stuck" });
  const { db, user } = renderApp("/admin", { user: admin, servers: [server] });
  db.staff.clusters = [aCluster({ name: "fra", reachable: false })];
  db.staff.drift = [aDrift()];
  const { id } = db.act(server.id, { type: "reboot" }, customer);
  db.fail(
    id,
    { code: "x", message: "It did not come back.", retryable: false, debug: "VM 101 timeout" },
    "needs_attention",
  );
  expect(await screen.findByRole("link", { name: /fra does not answer, as of/ })).toBeVisible();
  const drift = await screen.findByRole("link", { name: /1 difference between the record/ });
  expect(drift).toHaveAttribute("href", "/admin/drift");
  const list = await screen.findByRole("list", { name: "Operations that wait for staff" });
  expect(await within(list).findByRole("link", { name: "stuck: Rebooting" })).toBeVisible();
  expect(list).toHaveTextContent("VM 101 timeout");
  await confirm(user, "Give up: stuck: Rebooting", "Give up");
  await waitFor(() => expect(db.operations.get(id)!.status).toBe("cancelled"));
  await waitFor(() => expect(screen.queryByText("It did not come back.")).toBeNull());
});

test("webhooks that take nothing are listed, and lead to whose they are", async () => {
  const { db } = renderApp("/admin", { user: admin });
  const since = "2026-11-01T00:00:00Z";
  db.staff.health.webhooks = [
    { id: "whk_1", account: "acc_1", url: "https://a.example/", failing_since: since, disabled_reason: null },
    { id: "whk_2", account: null, url: "https://b.example/", failing_since: null, disabled_reason: "It is gone." },
  ];
  const list = await screen.findByRole("list", { name: "What needs attention" });
  expect(within(list).getByRole("link", { name: "The webhook https://a.example/ takes nothing" })).toHaveAttribute(
    "href",
    "/admin/customers/acc_1",
  );
  expect(within(list).getByRole("link", { name: "The webhook https://b.example/ takes nothing" })).toHaveAttribute(
    "href",
    "/admin/webhooks/whk_2",
  );
  expect(list).toHaveTextContent("Since Nov 1, 2026");
  expect(list).toHaveTextContent("It is gone.");
  expect(screen.queryByText("Nothing needs attention")).toBeNull();
});

test("removals that wait go on when staff say so", async () => {
  const { db, user } = renderApp("/admin", { user: admin });
  db.staff.destroys = { ...db.staff.destroys, recent: 21, waiting_since: "2026-11-01T00:00:00Z" };
  await confirm(user, "Let them go on for 10 minutes", "Let them go on for 10 minutes");
  expect(await screen.findByText("Nothing needs attention")).toBeVisible();
});

test("a difference is adopted, or ignored and found again", async () => {
  const { db, user, url } = renderApp("/admin/drift", { user: admin });
  db.staff.drift = [
    aDrift(),
    aDrift({ id: "other", detail: "Its address filter is off.", actions: ["repair", "ignore"] }),
  ];
  const list = await screen.findByRole("list", { name: "Drift" });
  expect(list).toHaveTextContent("It has 4 cores instead of 2.");
  expect(within(list).queryByRole("button", { name: /Adopt: Its address/ })).toBeNull();
  await confirm(user, "Adopt: It has 4 cores instead of 2.", "Adopt");
  await waitFor(() => expect(list).not.toHaveTextContent("4 cores"));
  await confirm(user, "Ignore: Its address filter is off.", "Ignore");
  expect(await screen.findByText("Every guest is as recorded")).toBeVisible();
  await user.click(screen.getByLabelText("Show ignored ones"));
  expect(await screen.findByText("Its address filter is off.")).toBeVisible();
  expect(url()).toBe("/admin/drift?ignored=true");
});

test("differences that cannot be read again stay, with the time when they were known", async () => {
  const { db, client } = renderApp("/admin/drift", { user: admin });
  db.staff.drift = [aDrift()];
  await screen.findByRole("list", { name: "Drift" });
  const problem = { title: "No", detail: "The database is away.", status: 503, code: "x", request_id: "req_8" };
  network.use(http.get("*/v1/admin/drift", () => HttpResponse.json(problem, { status: 503 })));
  await act(() => client.refetchQueries());
  const alert = await screen.findByRole("alert");
  expect(alert).toHaveTextContent(/This is what we knew at .*req_8/);
  expect(screen.getByRole("list", { name: "Drift" })).toHaveTextContent("It has 4 cores instead of 2.");
});

test("a refused act keeps the question and says why", async () => {
  const { db, user } = renderApp("/admin/drift", { user: admin });
  db.staff.drift = [aDrift()];
  const problem = {
    title: "No",
    detail: "The server is busy.",
    status: 409,
    code: "conflict",
    request_id: "req_3",
    errors: [],
  };
  network.use(http.post("*/v1/admin/drift/:id", () => HttpResponse.json(problem, { status: 409 })));
  const dialog = await confirm(user, /^Repair/, "Repair");
  const alert = await within(dialog).findByRole("alert");
  expect(alert).toHaveTextContent("“Repair” was not accepted");
  expect(alert).toHaveTextContent("req_3");
});

test("a node's maintenance begins with a reason and ends", async () => {
  const { db, user } = renderApp("/admin/clusters", { user: admin });
  await user.click(await button("Begin maintenance: demo"));
  const dialog = await screen.findByRole("alertdialog", { name: "Maintenance on demo" });
  await user.type(within(dialog).getByLabelText("Node"), "pve2");
  await user.type(within(dialog).getByLabelText("Reason"), "new memory");
  await user.click(within(dialog).getByRole("button", { name: "Begin maintenance" }));
  expect(await screen.findByText("pve2: new memory")).toBeVisible();
  await confirm(user, "End it: pve2", "End it");
  await waitFor(() => expect(db.staff.clusters[0]!.maintenance).toEqual([]));
});

test("a cluster and its servers are switched, and how many is said", async () => {
  const { db, user } = renderApp("/admin/clusters", { user: admin, servers: [aServer(), aServer()] });
  let batches = 3;
  network.use(
    http.post("*/v1/admin/servers/mode", () => {
      batches -= 1;
      return HttpResponse.json({ object: "mode_change", mode: "manage", changed: 100, has_more: batches > 0 });
    }),
  );
  await confirm(user, "Have its servers managed: demo", "Have its servers managed");
  expect(await screen.findByText("300 servers were switched.")).toBeVisible();
  await confirm(user, "Only observe: demo", "Only observe");
  await waitFor(() => expect(db.staff.clusters[0]!.mode).toBe("observe"));
  expect(await screen.findByText("Observed: nothing there is changed")).toBeVisible();
});

test("who had an address is told, ever or at a time", async () => {
  const { db, user, url, go } = renderApp("/admin/addresses", { user: admin });
  const holder = { network: "net", cluster: "demo", vmid: 101, account: "acc_1" };
  db.staff.holders = [
    { ...holder, server: "srv_2", name: "new-one", since: "2026-06-01T00:00:00Z", until: null },
    { ...holder, server: "srv_1", name: "old-one", since: "2026-01-01T00:00:00Z", until: "2026-06-01T00:00:00Z" },
  ];
  await user.type(await screen.findByLabelText("Address"), "203.0.113.9{Enter}");
  const holders = await screen.findByRole("list", { name: "Holders" });
  expect(holders).toHaveTextContent(/new-one.*until now/);
  expect(holders).toHaveTextContent("old-one");
  expect(url()).toBe("/admin/addresses?address=203.0.113.9");
  await go("/admin/addresses?address=203.0.113.9&at=2026-03-01T12:00");
  await waitFor(() => expect(screen.queryByText("new-one")).toBeNull());
  expect(await screen.findByText("old-one")).toBeVisible();
});
