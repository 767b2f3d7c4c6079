import { screen } from "@testing-library/react";
import { http, HttpResponse } from "msw";
import { expect, test } from "vitest";
import { renderApp } from "@/mock/app";
import { admin, customer } from "@/mock/fixtures";
import { network } from "@/mock/setup";
import type { Invitation, User } from "@/api/types";

const button = (name: string) => screen.findByRole("button", { name });

/** A letter's link, opened by somebody in front of the door or already inside. */
function open(invited: Partial<Invitation>, user: User | null = null) {
  const app = renderApp("/invitations/accept#letter_1", { user });
  const account = app.db.people.accounts[0]!;
  app.db.people.invite(account, invited);
  return { ...app, account };
}

test("somebody new chooses a name and a password, and is inside", async () => {
  const { user, account, db, url } = open({ email: "eve@example.com", role: "operator" });
  expect(await screen.findByRole("heading", { name: "Act for Ada’s shop?" })).toBeVisible();
  expect(screen.getByText("You are invited as: Operator.")).toBeVisible();
  expect(await button("Accept and sign in")).toHaveAccessibleDescription("A name is needed.");
  await user.type(screen.getByLabelText("Name"), "Eve");
  await user.type(screen.getByLabelText("Password"), "short");
  expect(await button("Accept and sign in")).toHaveAccessibleDescription("The password needs ten characters.");
  await user.clear(screen.getByLabelText("Password"));
  await user.type(screen.getByLabelText("Password"), "password12{Enter}");
  expect(await screen.findByText("Too easy.")).toBeVisible();
  await user.clear(screen.getByLabelText("Password"));
  await user.type(screen.getByLabelText("Password"), "a better horse{Enter}");
  expect(await screen.findByRole("alert")).toHaveTextContent("You act for Ada’s shop as: Operator.");
  expect(account.members.map(({ email, role }) => [email, role])).toContainEqual(["eve@example.com", "operator"]);
  expect(db.people.letters.size).toBe(0);
  await user.click(screen.getByRole("link", { name: "Go to the servers" }));
  expect(await screen.findByRole("heading", { name: "Servers" })).toBeVisible();
  expect(url()).toBe("/servers");
});

test("whoever signs in here already does so first, and then accepts", async () => {
  const { user, account } = open({ email: admin.email, role: "viewer" });
  expect(await screen.findByText(/Somebody signs in as staff@example.com already/)).toBeVisible();
  expect(screen.getByLabelText("Email")).toHaveValue(admin.email);
  await user.type(screen.getByLabelText("Password"), "correct horse{Enter}");
  expect(await screen.findByText(/You are signed in as staff@example.com/)).toBeVisible();
  await user.click(await button("Accept"));
  expect(await screen.findByText("You have joined")).toBeVisible();
  expect(account.members.at(-1)).toMatchObject({ email: admin.email, role: "viewer" });
});

test("who is signed in with another address is told so, and may sign in as somebody else", async () => {
  const { user, session } = open({ email: "eve@example.com" }, admin);
  expect(await screen.findByText(/The invitation went to eve@example.com/)).toBeVisible();
  await user.click(await button("Sign in as somebody else"));
  expect(await button("Accept and sign in")).toBeVisible();
  expect(session.user).toBeNull();
});

test("who acts for the account already learns that", async () => {
  const { user } = open({ email: "other@example.com" }, customer);
  await user.click(await button("Accept"));
  expect(await screen.findByText("You act for this account already")).toBeVisible();
  expect(screen.getByRole("link", { name: "Go to the servers" })).toBeVisible();
});

test("a link that was used, taken back or is too old says what to do", async () => {
  const { db, account, go } = open({}, null);
  await button("Accept and sign in");
  db.people.withdraw(account, account.invitations[0]!.id);
  await go("/invitations/accept#other");
  expect(await screen.findByText("This invitation is no longer valid")).toBeVisible();
  expect(screen.getByRole("link", { name: "Sign in" })).toBeVisible();
});

test("a link that ends while one thinks about it says so", async () => {
  const { user, db, account } = open({}, admin);
  await button("Accept");
  db.people.withdraw(account, account.invitations[0]!.id);
  await user.click(await button("Accept"));
  expect(await screen.findByText("This invitation is no longer valid")).toBeVisible();
});

test("when the service does not answer, the link is kept and tried again", async () => {
  const { user } = open({}, admin);
  network.use(http.post("*/v1/invitations/open", () => HttpResponse.error(), { once: true }));
  await user.click(await button("Try again"));
  expect(await button("Accept")).toBeVisible();
});
