import { act, screen, waitFor, within } from "@testing-library/react";
import { http, HttpResponse } from "msw";
import { expect, test, vi } from "vitest";
import { renderApp } from "@/mock/app";
import { admin, aServer, everyStatus } from "@/mock/fixtures";
import { network } from "@/mock/setup";

const table = () => screen.findByRole("table", { name: "Servers" });
const row = (name: string) => screen.getByRole("link", { name }).closest("tr")!;

test("a row says what a customer wants to know", async () => {
  const server = aServer({
    name: "shop",
    plan: { id: "pln_x", name: "Medium", vcpus: 2, memory_mib: 4096, disk_gib: 40 },
    image: { id: "img_x", name: "Debian 12" },
    location: { id: "loc_x", name: "Frankfurt" },
  });
  renderApp("/servers", { servers: [server] });
  await table();
  for (const text of [
    "Running",
    "Medium",
    "2 cores · 4 GiB RAM · 40 GiB disk",
    "Debian 12",
    "Frankfurt",
    server.ips[0]!.address,
  ]) {
    expect(row("shop")).toHaveTextContent(text);
  }
});

test("every status is a word", async () => {
  renderApp("/servers", { servers: everyStatus() });
  const shown = await table();
  for (const word of ["Running", "Stopped", "Suspended", "Terminating", "Failed", "Not linked", "Unknown"]) {
    expect(within(shown).getAllByText(word, { exact: false })[0]).toBeVisible();
  }
  expect(shown).toHaveTextContent("No virtual machine with the number 131 was found on the cluster.");
  expect(shown).toHaveTextContent(/Running at \d/);
});

test("an address is copied", async () => {
  const server = aServer();
  const { user } = renderApp("/servers", { servers: [server] });
  await user.click(await screen.findByRole("button", { name: `Copy ${server.ips[0]!.address}` }));
  expect(await navigator.clipboard.readText()).toBe(server.ips[0]!.address);
  expect(await screen.findByText("Copied")).toBeInTheDocument();
});

test("search, status and order stand in the URL and narrow the list", async () => {
  const { user, url } = renderApp("/servers", {
    servers: [aServer({ name: "alpha" }), aServer({ name: "beta", status: "stopped" })],
  });
  await table();
  await user.selectOptions(screen.getByLabelText("Status"), "stopped");
  await waitFor(() => expect(screen.queryByRole("link", { name: "alpha" })).toBeNull());
  expect(await screen.findByRole("link", { name: "beta" })).toBeVisible();
  await user.type(screen.getByLabelText("Search"), "bet");
  await user.selectOptions(screen.getByLabelText("Sort by"), "name");
  await waitFor(() => expect(url()).toBe("/servers?status=stopped&sort=name&q=bet"));
  expect(screen.getByLabelText("Search")).toHaveValue("bet");
});

test("a URL is enough to see the same list again", async () => {
  renderApp("/servers?q=alp&sort=-name", { servers: [aServer({ name: "alpha" }), aServer({ name: "beta" })] });
  await table();
  expect(screen.getByLabelText("Search")).toHaveValue("alp");
  expect(screen.getByRole("columnheader", { name: "Name" })).toHaveAttribute("aria-sort", "descending");
  expect(screen.queryByRole("link", { name: "beta" })).toBeNull();
});

test("an empty account and an empty search are different", async () => {
  const { user } = renderApp("/servers?q=zzz", { servers: [] });
  await user.click(await screen.findByRole("button", { name: "Clear filters" }));
  expect(await screen.findByText("No servers yet")).toBeVisible();
  expect(screen.getByLabelText("Search")).toHaveValue("");
});

test("a long list is read on as it is scrolled, with only the rows in sight on the page", async () => {
  vi.spyOn(HTMLElement.prototype, "offsetHeight", "get").mockReturnValue(60);
  const servers = Array.from({ length: 130 }, (_, n) => aServer({ name: `n${n}` }));
  const { user } = renderApp("/servers?sort=created_at", { servers });
  const shown = await table();
  expect(within(shown).getAllByRole("row").length).toBeLessThan(40);
  expect(shown).toHaveAttribute("aria-rowcount", "-1");
  expect(row("n3")).toHaveAttribute("aria-rowindex", "5");
  for (let n = 0; n < 30; n += 1) await user.keyboard("j");
  await waitFor(() => expect(shown).toHaveAttribute("aria-rowcount", "131"));
  expect(screen.getByRole("link", { name: "n29" })).toHaveFocus();
});

test("keys move, choose, open and search", async () => {
  const servers = ["alpha", "beta", "gamma"].map((name) => aServer({ name }));
  const { user, url } = renderApp("/servers?sort=name", { servers });
  await table();
  await user.keyboard("/a");
  expect(screen.getByLabelText("Search")).toHaveValue("a");
  act(() => screen.getByLabelText("Search").blur());
  await waitFor(() => expect(url()).toBe("/servers?sort=name&q=a"));
  await waitFor(() => expect(screen.getByRole("table")).toHaveAttribute("aria-busy", "false"));
  await user.keyboard("jjx");
  expect(screen.getByRole("checkbox", { name: "Choose beta" })).toBeChecked();
  await user.keyboard("{ArrowDown}{ArrowDown}k");
  expect(screen.getByRole("link", { name: "beta" })).toHaveFocus();
  await user.keyboard("{Enter}");
  await waitFor(() => expect(url()).toContain(servers[1]!.id));
});

test("a column's heading orders the list", async () => {
  const { user, url } = renderApp("/servers", { servers: [aServer({ name: "alpha" })] });
  await table();
  await user.click(screen.getByRole("button", { name: "Name" }));
  expect(url()).toBe("/servers?sort=name");
  await user.click(screen.getByRole("button", { name: "Name" }));
  expect(url()).toBe("/servers?sort=-name");
});

test("many are stopped at once: who is left alone, who is refused, and what becomes of the rest", async () => {
  const [up, down, busy] = [
    aServer({ name: "up" }),
    aServer({ name: "down", status: "stopped" }),
    aServer({ name: "busy" }),
  ];
  const { user, db, finish } = renderApp("/servers", { servers: [up, down, busy] });
  await table();
  await user.click(screen.getByRole("checkbox", { name: "Choose all that are listed" }));
  const bar = screen.getByRole("region", { name: "Chosen servers" });
  expect(bar).toHaveTextContent("3 servers chosen");
  network.use(
    http.post(`*/v1/servers/${busy.id}/actions`, () =>
      HttpResponse.json(
        { title: "No", detail: "Too busy.", status: 409, request_id: "req_9", errors: [] },
        { status: 409 },
      ),
    ),
  );
  await user.click(within(bar).getByRole("button", { name: "Power off" }));
  const dialog = await screen.findByRole("alertdialog", { name: "Power off: 2 servers" });
  expect(dialog).toHaveTextContent("what is not yet written to its disk is lost");
  expect(db.operations.size).toBe(0);
  await user.click(within(dialog).getByRole("button", { name: "Power off" }));
  const outcomes = () =>
    within(dialog)
      .getAllByRole("listitem")
      .map((item) => item.textContent);
  await waitFor(() => expect(outcomes()).toContain("busyRefused. Too busy.req_9"));
  expect(outcomes()).toContain("downLeft alone. The server is stopped already.");
  await finish();
  await waitFor(() => expect(outcomes()).toContain("upDone"));
  await user.click(within(dialog).getByRole("button", { name: "Close" }));
  await user.click(within(bar).getByRole("button", { name: "Choose none" }));
  expect(screen.queryByRole("region", { name: "Chosen servers" })).toBeNull();
});

test("an error keeps what was known, says what failed and can be tried again", async () => {
  const { user, client } = renderApp("/servers", { servers: [aServer({ name: "kept" })] });
  await table();
  const problem = {
    type: "about:blank",
    title: "Away",
    detail: "The database is away.",
    status: 503,
    code: "unavailable",
    request_id: "req_7",
  };
  let away = true;
  network.use(http.get("*/v1/servers", () => (away ? HttpResponse.json(problem, { status: 503 }) : undefined)));
  await act(() => client.invalidateQueries());
  const alert = await screen.findByRole("alert");
  expect(alert).toHaveTextContent("The database is away.");
  expect(alert).toHaveTextContent("req_7");
  expect(screen.getByRole("link", { name: "kept" })).toBeVisible();
  away = false;
  await user.click(within(alert).getByRole("button", { name: "Try again" }));
  await waitFor(() => expect(screen.queryByRole("alert")).toBeNull());
});

test("a row moves with its server, and the change is announced", async () => {
  const server = aServer({ name: "mover" });
  const { db, halfway, finish } = renderApp("/servers", {
    servers: [aServer({ name: "before" }), server, aServer({ name: "after" })],
  });
  await table();
  await waitFor(() => expect(db.listeners.size).toBe(1));
  await act(async () => void db.act(server.id, { type: "create" }, admin));
  await waitFor(() => expect(row("mover")).toHaveTextContent("Provisioning…"));
  expect(await screen.findByRole("progressbar", { name: "mover: Creating the server" })).toHaveAttribute(
    "aria-valuenow",
    "0",
  );
  const { progress } = await halfway();
  expect(progress).toBeGreaterThan(0);
  await waitFor(() => expect(screen.getByRole("progressbar")).toHaveAttribute("aria-valuenow", String(progress)));
  await finish();
  await waitFor(() => expect(row("mover")).toHaveTextContent("Running"));
  expect(screen.getByText("mover: Running")).toBeInTheDocument();
  expect(screen.queryByRole("progressbar")).toBeNull();
  expect(screen.getAllByRole("link", { name: /before|mover|after/ }).map((link) => link.textContent)).toEqual([
    "after",
    "before",
    "mover",
  ]);
});

test("a server made elsewhere appears by itself", async () => {
  const { db } = renderApp("/servers", { servers: [aServer()] });
  await table();
  await waitFor(() => expect(db.listeners.size).toBe(1));
  await act(async () => void db.create({ name: "newcomer", plan: "pln_a", image: "img_a", location: "loc_a" }, admin));
  expect(await screen.findByRole("link", { name: "newcomer" })).toBeVisible();
});

test("staff see everybody's servers until they ask for their own", async () => {
  const { user, url } = renderApp("/servers", { servers: [aServer({ name: "theirs" })], user: admin });
  await table();
  for (const text of ["acc_1", "pve1"]) expect(row("theirs")).toHaveTextContent(text);
  expect(screen.getByRole("columnheader", { name: "VMID" })).toBeInTheDocument();
  await user.click(screen.getByLabelText("All servers"));
  expect(await screen.findByText("No servers yet")).toBeVisible();
  expect(url()).toBe("/servers?scope=own");
});

test("customers are not offered everybody's servers", async () => {
  renderApp("/servers", { servers: [aServer()] });
  await table();
  expect(screen.queryByLabelText("All servers")).toBeNull();
});

test("without a stream it says so, quietly, and shows the list all the same", async () => {
  renderApp("/servers", { servers: [aServer({ name: "kept" })] });
  network.use(http.get("*/v1/events", () => HttpResponse.error()));
  expect(await screen.findByText(/Live updates are interrupted/)).toBeVisible();
  expect(await screen.findByRole("link", { name: "kept" })).toBeVisible();
  expect(screen.queryByRole("alert")).toBeNull();
});

test("staff keep lists by name, come back to them and forget them", async () => {
  localStorage.clear();
  const { user, url, db } = renderApp("/servers", {
    servers: [aServer({ name: "alpha" }), aServer({ name: "beta", status: "stopped" })],
    user: admin,
  });
  await table();
  expect(screen.queryByRole("button", { name: "Save this view" })).toBeNull();
  await user.selectOptions(screen.getByLabelText("Status"), "stopped");
  await user.click(await screen.findByRole("button", { name: "Save this view" }));
  const dialog = await screen.findByRole("alertdialog", { name: "Save this view" });
  expect(within(dialog).getByRole("button", { name: "Save" })).toHaveAccessibleDescription("A name is needed.");
  await user.type(within(dialog).getByLabelText("Name"), "At rest{Enter}");
  const views = await screen.findByRole("navigation", { name: "Saved views" });
  expect(await within(views).findByRole("link", { name: "At rest" })).toHaveAttribute("aria-current", "page");
  expect(db.account.views).toMatchObject([{ name: "At rest", query: "status=stopped", scope: "all" }]);
  await user.selectOptions(screen.getByLabelText("Status"), "");
  expect(await screen.findByRole("link", { name: "alpha" })).toBeVisible();
  await user.click(within(views).getByRole("link", { name: "At rest" }));
  expect(url()).toBe("/servers?status=stopped");
  await waitFor(() => expect(screen.queryByRole("link", { name: "alpha" })).toBeNull());
  await user.click(within(views).getByRole("button", { name: "Forget the view At rest" }));
  await waitFor(() => expect(within(views).queryByRole("link")).toBeNull());
  expect(db.account.views).toEqual([]);
});

test("views that were kept in the browser go to the service, once; those of a name that is there do not", async () => {
  const before = [
    { name: "Mine", search: "scope=own&sort=name" },
    { name: "Known", search: "q=other" },
  ];
  localStorage.setItem(`hostler.views.${admin.id}`, JSON.stringify(before));
  const { db } = renderApp("/servers", { servers: [aServer()], user: admin });
  const times = { created_at: "2026-01-01T00:00:00Z", updated_at: "2026-01-01T00:00:00Z" };
  db.account.views.push({ id: "view_0", object: "saved_view", name: "Known", query: "q=a", scope: "all", ...times });
  expect(await screen.findByRole("link", { name: "Mine" })).toHaveAttribute("href", "/servers?sort=name&scope=own");
  expect(screen.getByRole("link", { name: "Known" })).toHaveAttribute("href", "/servers?q=a");
  expect(db.account.views).toHaveLength(2);
  expect(localStorage.getItem(`hostler.views.${admin.id}`)).toBeNull();
});

test("a view that cannot be saved is said", async () => {
  localStorage.clear();
  const { user } = renderApp("/servers?q=a", { servers: [aServer({ name: "alpha" })], user: admin });
  const problem = { title: "Full", detail: "There is room for 50 views.", status: 409, code: "not_allowed" };
  network.use(http.post("*/v1/users/me/views", () => HttpResponse.json(problem, { status: 409 })));
  await user.click(await screen.findByRole("button", { name: "Save this view" }));
  await user.type(within(await screen.findByRole("alertdialog")).getByLabelText("Name"), "One more{Enter}");
  expect(await screen.findByRole("alert")).toHaveTextContent("The view could not be savedThere is room for 50 views.");
});

test("staff suspend many for a reason, after it says what becomes of each", async () => {
  const held = aServer({
    name: "held",
    status: "suspended",
    suspension: { reason: "abuse", reasons: ["abuse"], since: "2026-11-01T00:00:00Z" },
  });
  const { user, db, finish } = renderApp("/servers", { servers: [aServer({ name: "up" }), held], user: admin });
  await table();
  await user.click(screen.getByRole("checkbox", { name: "Choose all that are listed" }));
  const bar = screen.getByRole("region", { name: "Chosen servers" });
  await user.click(within(bar).getByRole("button", { name: "Suspend" }));
  const dialog = await screen.findByRole("alertdialog", { name: "Suspend: 2 servers" });
  await user.click(within(dialog).getByRole("radio", { name: "Abuse" }));
  expect(dialog).toHaveTextContent("heldLeft alone. It is suspended for this reason already.");
  await user.type(within(dialog).getByLabelText("Note"), "spam");
  await user.click(within(dialog).getByRole("button", { name: "Suspend" }));
  await waitFor(() => expect(db.operations.size).toBe(1));
  await finish();
  await waitFor(() => expect(dialog).toHaveTextContent("upDone"));
});

test("staff who look at one customer's servers see that, and go back to all", async () => {
  const [theirs, others] = [aServer({ name: "theirs" }), aServer({ name: "others" })];
  const { user, url, db } = renderApp("/servers?account=acc_1", { servers: [theirs, others], user: admin });
  db.owners.set(others.id, "acc_2");
  await table();
  expect(screen.queryByRole("link", { name: "others" })).toBeNull();
  await user.click(screen.getByRole("button", { name: "Of one customer only" }));
  expect(await screen.findByRole("link", { name: "others" })).toBeVisible();
  expect(url()).toBe("/servers");
});
