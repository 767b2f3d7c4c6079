import { screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { renderApp } from "@/mock/app";
import { customer } from "@/mock/fixtures";
import { aMember, anAccount } from "@/mock/people";
import type { MemberRole } from "@/api/types";

const button = (name: string | RegExp) => screen.findByRole("button", { name });
const bob = aMember({ id: "usr_5", email: "bob@example.com", name: "Bob", role: "viewer" });

/** The members of an account in which the customer has a role. */
function asRole(role: MemberRole) {
  const app = renderApp("/account/members");
  const account = anAccount({ role, members: [aMember({ role }), { ...bob }] });
  app.db.people.accounts.splice(0, 1, account);
  return { ...app, account };
}

test("an owner invites somebody by letter, and takes it back", async () => {
  const { user, account } = asRole("owner");
  expect(await button("Send the invitation")).toHaveAccessibleDescription("An address is needed.");
  await user.type(screen.getByLabelText("Email"), "eve@example.com");
  await user.click(screen.getByRole("radio", { name: /Billing/ }));
  await user.click(await button("Send the invitation"));
  expect(await screen.findByText("eve@example.com is invited")).toBeVisible();
  expect(screen.getByLabelText("Email")).toHaveValue("");
  const waiting = screen.getByRole("list", { name: "Pending invitations" });
  await waitFor(() => expect(waiting).toHaveTextContent(/eve@example.com.*Billing/));
  await user.click(within(waiting).getByRole("button", { name: "Withdraw: eve@example.com" }));
  const dialog = await screen.findByRole("alertdialog");
  expect(dialog).toHaveTextContent("The link in the email stops working.");
  await user.click(within(dialog).getByRole("button", { name: "Withdraw" }));
  await waitFor(() => expect(account.invitations).toEqual([]));
});

test("where no letters are sent, nobody is invited, and it says why", async () => {
  const { user } = asRole("owner");
  await user.type(await screen.findByLabelText("Email"), "nomail@example.com{Enter}");
  expect(await screen.findByRole("alert")).toHaveTextContent("This installation sends no letters.");
  expect(screen.getByLabelText("Email")).toHaveValue("nomail@example.com");
});

test("a member gets another role, and is removed", async () => {
  const { user, account } = asRole("owner");
  await user.click(await button("Change role: Bob"));
  let dialog = await screen.findByRole("alertdialog", { name: "What may Bob do?" });
  expect(within(dialog).getByRole("button", { name: "Change role" })).toHaveAccessibleDescription(
    "This is the current role.",
  );
  await user.click(within(dialog).getByRole("radio", { name: /Operator/ }));
  await user.click(within(dialog).getByRole("button", { name: "Change role" }));
  await waitFor(() => expect(account.members[1]!.role).toBe("operator"));
  expect(await screen.findByText(/Operator · bob@example.com/)).toBeVisible();
  await user.click(await button("Remove: Bob"));
  dialog = await screen.findByRole("alertdialog", { name: "Remove Bob?" });
  await user.click(within(dialog).getByRole("button", { name: "Remove" }));
  await waitFor(() => expect(screen.queryByText(/bob@example.com/)).toBeNull());
});

test("the only owner stays one, and reads why", async () => {
  const { user } = asRole("owner");
  await user.click(await button("Change role: Ada"));
  const dialog = await screen.findByRole("alertdialog");
  await user.click(within(dialog).getByRole("radio", { name: /Viewer/ }));
  await user.click(within(dialog).getByRole("button", { name: "Change role" }));
  expect(await within(dialog).findByRole("alert")).toHaveTextContent("The account's only owner.");
});

test("who may not manage members sees why, and may leave", async () => {
  const { user } = asRole("operator");
  expect(await button("Remove: Bob")).toHaveAccessibleDescription(/Only owners and admins.*your role is Operator/);
  expect(screen.queryByRole("button", { name: "Send the invitation" })).toBeNull();
  await user.click(await button("Leave: Ada"));
  const dialog = await screen.findByRole("alertdialog", { name: "Leave Ada’s shop?" });
  await user.click(within(dialog).getByRole("button", { name: "Leave" }));
  expect(await screen.findByText("You act for no account")).toBeVisible();
});

test("an admin makes nobody an owner, and leaves owners as they are", async () => {
  const { account } = asRole("admin");
  account.members[1]!.role = "owner";
  expect(await button("Change role: Bob")).toHaveAccessibleDescription(
    "Only owners make owners, or change what they are.",
  );
  expect(screen.getByRole("radio", { name: /Owner/ })).toBeDisabled();
});

test("who acts for several accounts chooses one, here and among servers", async () => {
  const { user, db, url, go } = asRole("owner");
  db.people.accounts.push(anAccount({ id: "acc_2", name: "Other", members: [aMember({ role: "viewer" })] }));
  const switcher = await screen.findByRole("combobox", { name: "Account" });
  await user.selectOptions(switcher, "Other (Viewer)");
  expect(url()).toBe("/account/members?account=acc_2");
  expect(await screen.findByRole("heading", { name: "Members of Other" })).toBeVisible();
  db.create({ name: "theirs", plan: "pln_a", image: "img_a", location: "loc_a", account: "acc_2" }, customer);
  db.create({ name: "mine", plan: "pln_a", image: "img_a", location: "loc_a" }, customer);
  await go("/servers");
  expect(await screen.findByRole("link", { name: "mine" })).toBeVisible();
  await user.selectOptions(await screen.findByRole("combobox", { name: "Account" }), "Other");
  await waitFor(() => expect(screen.queryByRole("link", { name: "mine" })).toBeNull());
  expect(screen.getByRole("link", { name: "theirs" })).toBeVisible();
  expect(url()).toBe("/servers?account=acc_2");
});
