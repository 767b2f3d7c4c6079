import { screen, waitFor } from "@testing-library/react";
import { http, HttpResponse } from "msw";
import { expect, test } from "vitest";
import { renderApp } from "@/mock/app";
import { aServer, customer } from "@/mock/fixtures";
import { network } from "@/mock/setup";

async function signIn(user: ReturnType<typeof renderApp>["user"], password: string) {
  await user.type(await screen.findByLabelText("Email"), customer.email);
  await user.type(screen.getByLabelText("Password"), password);
  await user.click(screen.getByRole("button", { name: "Sign in" }));
}

test("a visitor signs in and arrives where they wanted to go", async () => {
  const server = aServer();
  const { user, url } = renderApp(`/servers/${server.id}`, { user: null, servers: [server] });
  await screen.findByRole("heading", { name: "Sign in" });
  expect(url()).toBe(`/login?next=%2Fservers%2F${server.id}`);
  await signIn(user, "correct horse");
  expect(await screen.findByRole("heading", { name: server.name })).toBeVisible();
});

test("a wrong password is said, and nothing else", async () => {
  const { user, url } = renderApp("/login", { user: null });
  await signIn(user, "wrong");
  expect(await screen.findByRole("alert")).toHaveTextContent("The email or the password is not right.");
  expect(url()).toBe("/login");
});

test("too many attempts are told when to try again, with the request id", async () => {
  const { user } = renderApp("/login", { user: null });
  const problem = {
    type: "about:blank",
    title: "Too many attempts",
    status: 429,
    code: "rate_limited",
    request_id: "req_42",
  };
  network.use(
    http.post("*/v1/login", () => HttpResponse.json(problem, { status: 429, headers: { "Retry-After": "17" } })),
  );
  await signIn(user, "wrong");
  const alert = await screen.findByRole("alert");
  expect(alert).toHaveTextContent("Try again in 17 s.");
  expect(alert).toHaveTextContent("req_42");
});

test("the refresh cookie signs in without asking", async () => {
  renderApp("/login?next=/servers", { servers: [aServer({ name: "kept" })] });
  expect(await screen.findByRole("link", { name: "kept" })).toBeVisible();
});

test("signing out ends the session on the server and leads to the sign-in", async () => {
  const { user, session, url } = renderApp("/servers");
  await user.click(await screen.findByRole("button", { name: "Sign out" }));
  await screen.findByRole("heading", { name: "Sign in" });
  expect(session.user).toBeNull();
  expect(url()).toBe("/login");
});

test("when signing out does not reach the server, nobody is told they are signed out", async () => {
  const { user } = renderApp("/servers");
  const button = await screen.findByRole("button", { name: "Sign out" });
  network.use(http.post("*/v1/logout", () => HttpResponse.error()));
  await user.click(button);
  expect(await screen.findByText("You are still signed in")).toBeVisible();
});

test("a session that ends in the middle leads to the sign-in and keeps the place", async () => {
  const server = aServer();
  const { session, client, url } = renderApp(`/servers/${server.id}/history`, { servers: [server] });
  await screen.findByRole("heading", { name: server.name });
  session.user = null;
  void client.invalidateQueries();
  await waitFor(() => expect(url()).toBe(`/login?next=%2Fservers%2F${server.id}%2Fhistory`));
});

test("an address outside of the site is no place to go after signing in", async () => {
  const { url } = renderApp("/login?next=//evil.example/", { servers: [] });
  await waitFor(() => expect(url()).toBe("/servers"));
});

test("what one user saw is not shown to the next", async () => {
  const server = aServer({ name: "private" });
  const { user, session, db, client } = renderApp("/servers", { servers: [server] });
  await screen.findByRole("link", { name: "private" });
  session.user = null;
  db.servers.clear();
  void client.invalidateQueries();
  await signIn(user, "correct horse");
  expect(await screen.findByText("No servers yet")).toBeVisible();
  expect(screen.queryByRole("link", { name: "private" })).toBeNull();
});

test("whoever has a second factor is asked for its code, and keeps what was typed", async () => {
  const { user, db, url } = renderApp("/login", { user: null });
  db.otp = "123456";
  await signIn(user, "correct horse");
  const code = await screen.findByLabelText("Code");
  expect(screen.queryByRole("alert")).toBeNull();
  expect(code).toHaveFocus();
  await user.type(code, "000000{Enter}");
  expect(await screen.findByRole("alert")).toHaveTextContent("The email, the password or the code is not right.");
  await user.clear(code);
  await user.type(code, "123456{Enter}");
  await waitFor(() => expect(url()).toBe("/servers"));
});
