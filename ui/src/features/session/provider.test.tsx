import { screen } from "@testing-library/react";
import { http, HttpResponse } from "msw";
import { expect, test } from "vitest";
import { renderApp } from "@/mock/app";
import { network } from "@/mock/setup";

test("staff find the provider's way in, which keeps the place they wanted", async () => {
  const named = { object: "sign_in_provider", name: "Example ID" };
  renderApp("/login?next=/admin/drift", { user: null });
  network.use(http.get("*/v1/oidc", () => HttpResponse.json(named)));
  const link = await screen.findByRole("link", { name: "Sign in with Example ID" });
  expect(link).toHaveAttribute("href", "/v1/oidc/login?next=%2Fadmin%2Fdrift");
});

test("where there is no provider, nothing speaks of one", async () => {
  renderApp("/login", { user: null });
  await screen.findByRole("heading", { name: "Sign in" });
  expect(screen.queryByText("For staff.")).toBeNull();
});

test.each([
  ["unknown", "No member of staff here has this address."],
  ["away", "The provider does not answer just now."],
  ["made-up", "The provider did not confirm who you are"],
])("whoever comes back and is not in reads why: %s", async (why, text) => {
  renderApp(`/login#sign-in=${why}`, { user: null });
  expect(await screen.findByRole("alert")).toHaveTextContent(text);
});
