import { act, screen, waitFor, within } from "@testing-library/react";
import { http, HttpResponse } from "msw";
import { expect, test, vi } from "vitest";
import { api } from "@/api/client";
import { renderApp } from "@/mock/app";
import { admin, aServer, customer } from "@/mock/fixtures";
import { network } from "@/mock/setup";

const button = (name: string | RegExp) => screen.findByRole("button", { name });

/** Press a button, then the same in the question it asks. */
async function confirm(user: ReturnType<typeof renderApp>["user"], name: string) {
  await user.click(await button(name));
  const dialog = await screen.findByRole("alertdialog");
  await user.click(within(dialog).getByRole("button", { name }));
}

test("a customer is found and shown with servers, members and size", async () => {
  const servers = [aServer({ name: "shop" }), aServer({ name: "mail" })];
  const { user, url } = renderApp("/admin/customers", { user: admin, servers });
  await user.type(await screen.findByLabelText("Find a customer"), "nobody");
  expect(await screen.findByText("Nobody is called that")).toBeVisible();
  expect(url()).toBe("/admin/customers?q=nobody");
  await user.clear(screen.getByLabelText("Find a customer"));
  await user.click(await screen.findByRole("link", { name: "Ada’s shop" }));
  expect(await screen.findByRole("heading", { name: "Ada’s shop" })).toBeVisible();
  expect(screen.getByRole("list", { name: "Members" })).toHaveTextContent("AdaOwner");
  expect(screen.getByRole("list", { name: "Servers" })).toHaveTextContent("shopRunning");
  const pages = screen.getByRole("navigation", { name: "Staff" });
  expect(within(pages).getByRole("link", { name: "Customers" })).toHaveAttribute("aria-current", "true");
  const back = screen.getByRole("heading", { level: 1, name: "Customers" });
  expect(within(back).getByRole("link")).toHaveAttribute("href", "/admin/customers");
  expect(screen.getByRole("link", { name: "Show them in the list of servers" })).toHaveAttribute(
    "href",
    "/servers?account=acc_1",
  );
});

test("a customer is made and shown; what the service says against it stands at its field", async () => {
  const { user, url } = renderApp("/admin/customers", { user: admin });
  const asked: unknown[] = [];
  const made = { object: "billing_customer", account: "acc_1", user: "usr_1", external_id: null, status: "open" };
  const errors = [{ pointer: "/external_id", code: "invalid", message: "An external id has no spaces." }];
  network.use(
    http.post("*/v1/billing/customers", async ({ request }) => {
      asked.push(await request.json());
      return asked.length === 1
        ? HttpResponse.json(
            { title: "Invalid", detail: "Invalid", status: 422, code: "invalid", errors },
            { status: 422 },
          )
        : HttpResponse.json({ ...made, email: "new@example.com", name: "New", invited: true }, { status: 201 });
    }),
  );
  await user.click(await button("New customer"));
  const dialog = within(await screen.findByRole("alertdialog", { name: "New customer" }));
  const save = dialog.getByRole("button", { name: "Make the customer" });
  expect(save).toHaveAccessibleDescription("An e-mail address and a name are needed.");
  await user.type(dialog.getByLabelText("Email"), "new@example.com");
  await user.type(dialog.getByLabelText("Name"), "New");
  await user.type(dialog.getByLabelText("Id in the billing system"), "a b");
  await user.click(save);
  expect(await dialog.findByText("An external id has no spaces.")).toBeVisible();
  await user.clear(dialog.getByLabelText("Id in the billing system"));
  await user.click(dialog.getByLabelText("Invite by e-mail"));
  await user.click(save);
  await waitFor(() => expect(url()).toBe("/admin/customers/acc_1"));
  expect(asked[1]).toEqual({ email: "new@example.com", name: "New", external_id: null, invite: false });
});

test("all servers of a customer are suspended: first it says for each what would happen", async () => {
  const servers = [aServer({ name: "shop" }), aServer({ name: "lost", status: "unlinked" })];
  const { db, user } = renderApp("/admin/customers/acc_1", { user: admin, servers });
  await user.click(await button("Suspend all servers"));
  const dialog = await screen.findByRole("alertdialog", { name: "Suspend all servers of Ada’s shop?" });
  const outcomes = await within(dialog).findByRole("list", { name: "What becomes of each" });
  expect(outcomes).toHaveTextContent("shopWill be asked");
  expect(outcomes).toHaveTextContent("lostLeft alone. No virtual machine is linked to it.");
  await user.click(within(dialog).getByRole("radio", { name: "Abuse" }));
  await user.click(await within(dialog).findByRole("button", { name: "Suspend 1 server" }));
  expect(await within(dialog).findByText("Asked for 1 server.")).toBeVisible();
  expect(db.newestOperation().type).toBe("suspend");
  expect(db.operations.size).toBe(1);
  await user.click(within(dialog).getByRole("button", { name: "Close" }));
});

test("where nothing would be affected, nothing can be asked for", async () => {
  const { user } = renderApp("/admin/customers/acc_1", { user: admin, servers: [aServer({ status: "unlinked" })] });
  await user.click(await button("Lift from all servers"));
  const dialog = await screen.findByRole("alertdialog");
  expect(await within(dialog).findByRole("button", { name: "Lift from 0 servers" })).toHaveAccessibleDescription(
    "No server would be affected.",
  );
});

test("staff note what they know, of the customer and of a server, and take it back", async () => {
  const server = aServer({ name: "shop" });
  const { db, user } = renderApp("/admin/customers/acc_1", { user: admin, servers: [server] });
  expect(await screen.findByText("Nothing is noted yet.")).toBeVisible();
  expect(await button("Keep the note")).toHaveAccessibleDescription("Write something first.");
  await user.type(screen.getByLabelText("Note"), "Pays by bank transfer.");
  await user.click(await button("Keep the note"));
  const notes = await screen.findByRole("list", { name: "Notes" });
  expect(notes).toHaveTextContent("Pays by bank transfer.");
  expect(screen.getByLabelText("Note")).toHaveValue("");
  expect(db.people.notes.get("acc_1")).toHaveLength(1);
  await user.click(await button("Remove: Pays by bank transfer."));
  const dialog = await screen.findByRole("alertdialog", { name: "Remove this note?" });
  await user.click(within(dialog).getByRole("button", { name: "Remove" }));
  expect(await screen.findByText("Nothing is noted yet.")).toBeVisible();
});

test("what is kept about a customer is exported once staff proved who they are", async () => {
  vi.spyOn(URL, "createObjectURL").mockReturnValue("blob:export");
  const { db, user } = renderApp("/admin/customers/acc_1", { user: admin });
  db.account.proved = false;
  await user.click(await button("Export"));
  const dialog = await screen.findByRole("alertdialog", { name: "Is it you?" });
  await user.type(within(dialog).getByLabelText("Password"), "correct horse{Enter}");
  expect(await screen.findByRole("link", { name: "Save the file" })).toHaveAttribute("download", "acc_1.json");
});

test("a customer is erased by their name, typed, once it says what goes and what stays", async () => {
  const { db, user } = renderApp("/admin/customers/acc_1", { user: admin });
  await user.click(await button("Erase"));
  const dialog = await screen.findByRole("alertdialog", { name: "Erase “Ada’s shop” for good?" });
  expect(await within(dialog).findByText("names and e-mail addresses")).toBeVisible();
  expect(within(dialog).getByText("amounts and dates")).toBeVisible();
  const erase = within(dialog).getByRole("button", { name: "Erase" });
  expect(erase).toHaveAccessibleDescription("Type the name exactly: Ada’s shop");
  await user.type(within(dialog).getByLabelText("Type Ada’s shop to confirm"), "Ada’s shop");
  await user.click(erase);
  expect(await screen.findByRole("heading", { name: "(erased)" })).toBeVisible();
  expect(db.people.accounts[0]!.name).toBe("(erased)");
});

test("who still has servers is not erased, and it says what to do", async () => {
  const { user } = renderApp("/admin/customers/acc_1", { user: admin, servers: [aServer()] });
  await user.click(await button("Erase"));
  const dialog = await screen.findByRole("alertdialog");
  expect(await within(dialog).findByRole("alert")).toHaveTextContent("It still has servers: terminate them.");
  expect(within(dialog).getByRole("button", { name: "Erase" })).toHaveAccessibleDescription(/still has servers/);
});

test("a user is kept from signing in, and let in again; it takes a proof", async () => {
  const { db, user } = renderApp("/admin/users", { user: admin });
  db.account.proved = false;
  await user.type(await screen.findByLabelText("Find a user"), "ada");
  await user.click(await screen.findByRole("link", { name: "Ada" }));
  await confirm(user, "Disable");
  const proof = await screen.findByRole("alertdialog", { name: "Is it you?" });
  await user.type(within(proof).getByLabelText("Password"), "correct horse{Enter}");
  await waitFor(() => expect(db.people.disabled.has(customer.id)).toBe(true));
  expect(await screen.findByText("Disabled")).toBeVisible();
  expect(await button("Act as this user")).toHaveAccessibleDescription("They may not sign in.");
  await confirm(user, "Enable");
  await waitFor(() => expect(db.people.disabled.size).toBe(0));
});

test("a user is signed out everywhere, and a lost second factor is turned off", async () => {
  const { db, user } = renderApp(`/admin/users/${customer.id}`, { user: admin });
  db.otp = "123456";
  await confirm(user, "Turn off two-factor");
  await waitFor(() => expect(db.otp).toBeNull());
  await waitFor(async () =>
    expect(await button("Turn off two-factor")).toHaveAccessibleDescription("They have no second factor."),
  );
  await confirm(user, "Sign out everywhere");
  await waitFor(async () =>
    expect(await button("Sign out everywhere")).toHaveAccessibleDescription("They are signed in nowhere."),
  );
});

test("nobody shuts themselves out", async () => {
  renderApp(`/admin/users/${admin.id}`, { user: admin });
  expect(await button("Disable")).toHaveAccessibleDescription("This is you: have another administrator do it.");
  expect(await button("Act as this user")).toHaveAccessibleDescription("Only customers can be acted for.");
});

/** Staff on the pages of a customer. */
async function acting() {
  const app = renderApp(`/admin/users/${customer.id}`, { user: admin, servers: [aServer({ name: "shop" })] });
  await app.user.click(await button("Act as this user"));
  const dialog = await screen.findByRole("alertdialog");
  const begin = within(dialog).getByRole("button", { name: "Act as this user" });
  expect(begin).toHaveAccessibleDescription("A reason is needed.");
  await app.user.type(within(dialog).getByLabelText("Reason"), "ticket 7{Enter}");
  const banner = await screen.findByRole("complementary", { name: "Act as this user" });
  expect(banner).toHaveTextContent(/You act as ada@example.com until .* All of it is recorded./);
  return { ...app, banner };
}

test("staff act as a customer, see what they see, and are themselves again", async () => {
  const { user, url, db, banner } = await acting();
  expect(await screen.findByRole("link", { name: "shop" })).toBeVisible();
  expect(url()).toBe("/servers");
  expect(screen.queryByRole("link", { name: "Staff" })).toBeNull();
  expect(screen.queryByRole("columnheader", { name: "VMID" })).toBeNull();
  await user.click(within(banner).getByRole("button", { name: "Stop acting" }));
  expect(await screen.findByRole("link", { name: "Staff" })).toBeVisible();
  await waitFor(() => expect(url()).toBe(`/admin/users/${customer.id}`));
  expect(screen.queryByRole("complementary")).toBeNull();
  expect(db.people.actingEnded).toEqual([customer.id]);
});

test("when the time is over, what was asked as the customer is not done as staff", async () => {
  await acting();
  const whose: (string | null)[] = [];
  network.use(
    http.post("*/v1/servers/:id/actions", ({ request }) => {
      whose.push(request.headers.get("Authorization"));
      return HttpResponse.json({ title: "Over", status: 401, code: "token_expired", errors: [] }, { status: 401 });
    }),
  );
  const params = { path: { id: "srv_1" } };
  await act(async () => void (await api.POST("/v1/servers/{id}/actions", { params, body: { type: "stop" } })));
  expect(await screen.findByRole("link", { name: "Staff" })).toBeVisible();
  expect(whose).toEqual([`Bearer token.${customer.email}`]);
});
