import { screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { renderApp } from "@/mock/app";

const button = (name: string) => screen.findByRole("button", { name });

test("the account is behind one's own address, and the name is changed there", async () => {
  const { user, url } = renderApp("/servers");
  await user.click(await screen.findByRole("link", { name: /^Account/ }));
  await screen.findByRole("heading", { name: "Profile" });
  expect(url()).toBe("/account");
  const name = screen.getByLabelText("Name");
  expect(await button("Save the name")).toHaveAccessibleDescription("Nothing has changed.");
  await user.clear(name);
  await user.type(name, "Ada Other{Enter}");
  expect(await screen.findByText("Saved")).toBeVisible();
  await waitFor(() => expect(screen.getByLabelText("Name")).toHaveValue("Ada Other"));
});

test("a password is changed by whoever knows the one of now", async () => {
  const { user, db } = renderApp("/account");
  await user.type(await screen.findByLabelText("Password of now"), "wrong");
  await user.type(screen.getByLabelText("New password"), "short");
  expect(await button("Change the password")).toHaveAccessibleDescription("The new password needs ten characters.");
  await user.type(screen.getByLabelText("New password"), " no more{Enter}");
  expect(await screen.findByRole("alert")).toHaveTextContent("The password was not changed");
  await user.clear(screen.getByLabelText("Password of now"));
  await user.type(screen.getByLabelText("Password of now"), "correct horse{Enter}");
  await waitFor(() => expect(db.password).toBe("short no more"));
  expect(screen.getByLabelText("New password")).toHaveValue("");
});

test("other places are signed out, one by one or all", async () => {
  const { user, db } = renderApp("/account/security");
  const sessions = await screen.findByRole("region", { name: "Where you are signed in" });
  expect(await within(sessions).findByText("Safari on a phone")).toBeVisible();
  expect(within(sessions).getByText("Here")).toBeVisible();
  await user.click(within(sessions).getByRole("button", { name: "Sign out there" }));
  await waitFor(() => expect(within(sessions).queryByText("Safari on a phone")).toBeNull());
  expect(db.account.sessions).toHaveLength(1);
  expect(await button("Sign out everywhere else")).toHaveAccessibleDescription("You are signed in only here.");
});

test("a second factor is turned on with its first code, and its recovery codes are shown once", async () => {
  const { user } = renderApp("/account/security");
  await user.click(await button("Turn on"));
  expect(await screen.findByRole("img", { name: "QR code for an authenticator app" })).toBeVisible();
  expect(screen.getByText("JBSWY3DP")).toBeVisible();
  await user.type(screen.getByLabelText("Code"), "000000{Enter}");
  expect(await screen.findByText("The code is wrong.")).toBeVisible();
  await user.clear(screen.getByLabelText("Code"));
  await user.type(screen.getByLabelText("Code"), "123456{Enter}");
  expect(await screen.findByText("code-0")).toBeVisible();
  await user.click(await button("I have kept it"));
  expect(screen.queryByText("code-0")).toBeNull();
  expect(await screen.findByText(/10 recovery codes are left/)).toBeVisible();
});

test("what is dangerous asks once more who one is, and then goes on by itself", async () => {
  const { user, db } = renderApp("/account/tokens");
  db.account.proved = false;
  await user.type(await screen.findByLabelText("Name"), "ci");
  await user.click(await button("Make the token"));
  const dialog = await screen.findByRole("alertdialog", { name: "Is it you?" });
  await user.type(within(dialog).getByLabelText("Password"), "wrong{Enter}");
  expect(await within(dialog).findByRole("alert")).toHaveTextContent("That did not prove it");
  await user.clear(within(dialog).getByLabelText("Password"));
  await user.type(within(dialog).getByLabelText("Password"), "correct horse{Enter}");
  expect(await screen.findByText("hst_tok_1")).toBeVisible();
  expect(db.account.tokens.map(({ name, scopes }) => [name, scopes])).toEqual([["ci", ["read"]]]);
});

test("a token is revoked", async () => {
  const { user, db } = renderApp("/account/tokens");
  await user.type(await screen.findByLabelText("Name"), "ci");
  await user.click(screen.getByLabelText("May change things"));
  await user.type(screen.getByLabelText("Networks"), "198.51.100.0/24, 2001:db8::/32{Enter}");
  await user.click(await button("I have kept it"));
  expect(screen.queryByText("hst_tok_1")).toBeNull();
  expect(screen.getByText("Reads and changes · 198.51.100.0/24, 2001:db8::/32")).toBeVisible();
  await user.click(await button("Revoke: ci"));
  expect(await screen.findByText("No program acts for you yet.")).toBeVisible();
  expect(db.account.tokens).toEqual([]);
});

test("a key is added and removed", async () => {
  const { user } = renderApp("/account/keys");
  await user.type(await screen.findByLabelText("Name"), "laptop");
  expect(await button("Add the key")).toHaveAccessibleDescription("The public key is needed.");
  await user.type(screen.getByLabelText("Public key"), "ssh-ed25519 AAAA ada");
  await user.click(await button("Add the key"));
  expect(await screen.findByText("SHA256:abc")).toBeVisible();
  await waitFor(() => expect(screen.getByLabelText("Public key")).toHaveValue(""));
  await user.click(await button("Remove: laptop"));
  expect(await screen.findByText(/You have no keys yet/)).toBeVisible();
});
