import { screen, waitFor, within } from "@testing-library/react";
import { http } from "msw";
import { expect, test } from "vitest";
import { renderApp } from "@/mock/app";
import { network } from "@/mock/setup";

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
  await user.type(await screen.findByLabelText("Current password"), "wrong");
  await user.type(screen.getByLabelText("New password"), "short");
  expect(await button("Change the password")).toHaveAccessibleDescription("The new password needs ten characters.");
  await user.type(screen.getByLabelText("New password"), " no more{Enter}");
  expect(await screen.findByRole("alert")).toHaveTextContent("The password was not changed");
  await user.clear(screen.getByLabelText("Current password"));
  await user.type(screen.getByLabelText("Current password"), "correct horse{Enter}");
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
  await user.click(await button("Turn off"));
  const dialog = await screen.findByRole("alertdialog", { name: "Turn off two-factor authentication?" });
  await user.click(within(dialog).getByRole("button", { name: "Turn off" }));
  expect(await screen.findByText(/needs your password alone/)).toBeVisible();
});

test("recovery codes are shown though the rest of the page is still being read", async () => {
  const { user } = renderApp("/account/security");
  await user.click(await button("Turn on"));
  await user.type(await screen.findByLabelText("Code"), "12345");
  await screen.findByText("Safari on a phone");
  let goOn = () => {};
  const seen = new Promise<void>((resolve) => (goOn = resolve));
  network.use(http.get("*/v1/users/me/sessions", () => seen.then(() => undefined)));
  await user.type(screen.getByLabelText("Code"), "6{Enter}");
  expect(await screen.findByText(/10 recovery codes are left/)).toBeVisible();
  expect(screen.getByText("code-0")).toBeVisible();
  goOn();
});

test("what is dangerous asks once more who one is, and then goes on by itself", async () => {
  const { user, db } = renderApp("/account/tokens");
  db.account.proved = false;
  await user.type(await screen.findByLabelText("Name"), "ci");
  await user.click(await button("Create token"));
  const dialog = await screen.findByRole("alertdialog", { name: "Is it you?" });
  await user.type(within(dialog).getByLabelText("Password"), "wrong{Enter}");
  expect(await within(dialog).findByRole("alert")).toHaveTextContent("It could not be confirmed that it is you");
  await user.clear(within(dialog).getByLabelText("Password"));
  await user.type(within(dialog).getByLabelText("Password"), "correct horse{Enter}");
  expect(await screen.findByText("hst_tok_1")).toBeVisible();
  expect(db.account.tokens.map(({ name, scopes }) => [name, scopes])).toEqual([["ci", ["read"]]]);
});

test("a token is revoked", async () => {
  const { user, db } = renderApp("/account/tokens");
  await user.type(await screen.findByLabelText("Name"), "ci");
  await user.click(screen.getByLabelText("May change things"));
  await user.type(screen.getByLabelText("Allowed networks"), "198.51.100.0/24, 2001:db8::/32{Enter}");
  await user.click(await button("I have kept it"));
  expect(screen.queryByText("hst_tok_1")).toBeNull();
  expect(screen.getByText("Reads and changes · 198.51.100.0/24, 2001:db8::/32")).toBeVisible();
  await user.click(await button("Revoke: ci"));
  const dialog = await screen.findByRole("alertdialog", { name: "Revoke ci?" });
  expect(dialog).toHaveTextContent("Programs that use it are refused, at once.");
  expect(db.account.tokens).toHaveLength(1);
  await user.click(within(dialog).getByRole("button", { name: "Revoke" }));
  expect(await screen.findByText("You have no API tokens yet.")).toBeVisible();
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
  const dialog = await screen.findByRole("alertdialog", { name: "Remove laptop?" });
  expect(dialog).toHaveTextContent("Servers that have it keep it");
  await user.click(within(dialog).getByRole("button", { name: "Remove" }));
  expect(await screen.findByText(/You have no keys yet/)).toBeVisible();
});
