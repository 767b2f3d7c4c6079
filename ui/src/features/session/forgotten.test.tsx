import { screen } from "@testing-library/react";
import { http, HttpResponse } from "msw";
import { expect, test } from "vitest";
import { renderApp } from "@/mock/app";
import { network } from "@/mock/setup";

test("a letter is asked for, and nobody learns whether the address is known", async () => {
  const { user, db, url } = renderApp("/login", { user: null });
  await user.click(await screen.findByRole("link", { name: "Forgot your password?" }));
  await screen.findByRole("heading", { name: "Forgot your password?" });
  expect(url()).toBe("/password/forgot");
  await user.type(await screen.findByLabelText("Email"), "nobody@example.com{Enter}");
  expect(await screen.findByRole("alert")).toHaveTextContent("If somebody signs in with this address");
  expect(db.letters).toEqual(["nobody@example.com"]);
});

test("where no letters are sent, it says whom to ask", async () => {
  const { user } = renderApp("/password/forgot", { user: null });
  const detail = "Ask the people who run this service for a new password.";
  const problem = { title: "No letters", detail, status: 503, code: "no_mail", request_id: "req_9", errors: [] };
  network.use(http.post("*/v1/password/forgot", () => HttpResponse.json(problem, { status: 503 })));
  await user.type(await screen.findByLabelText("Email"), "ada@example.com{Enter}");
  expect(await screen.findByRole("alert")).toHaveTextContent(detail);
});

test("the link of a letter opens the way to a new password", async () => {
  const { user, db } = renderApp("/password/reset#right", { user: null });
  db.resetToken = "right";
  await user.type(await screen.findByLabelText("New password"), "a better horse{Enter}");
  expect(await screen.findByRole("alert")).toHaveTextContent("Your password was changed");
  expect(screen.getByRole("link", { name: "Sign in" })).toHaveAttribute("href", "/login");
  expect(db.password).toBe("a better horse");
});

test("a password that is too easy is refused at its field", async () => {
  const { user } = renderApp("/password/reset#right", { user: null });
  const errors = [{ pointer: "/password", code: "invalid", message: "This is too easy to guess." }];
  const problem = {
    title: "Invalid",
    detail: "See errors.",
    status: 422,
    code: "invalid",
    request_id: "req_1",
    errors,
  };
  network.use(http.post("*/v1/password/reset", () => HttpResponse.json(problem, { status: 422 })));
  const field = await screen.findByLabelText("New password");
  await user.type(field, "aaaaaaaaaa{Enter}");
  expect(await screen.findByText("This is too easy to guess.")).toBeVisible();
  expect(field).toBeInvalid();
});

test.each(["/password/reset", "/password/reset#old"])(
  "a link that holds no more leads to a new one: %s",
  async (path) => {
    const { user, db } = renderApp(path, { user: null });
    db.resetToken = "right";
    const field = path.includes("#") ? await screen.findByLabelText("New password") : null;
    if (field) await user.type(field, "a better horse{Enter}");
    expect(await screen.findByRole("alert")).toHaveTextContent("This link is no longer valid");
    expect(screen.getByRole("link", { name: "Request a new link" })).toHaveAttribute("href", "/password/forgot");
  },
);
