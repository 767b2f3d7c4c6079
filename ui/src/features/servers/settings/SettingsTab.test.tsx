import { screen, waitFor, within } from "@testing-library/react";
import { http, HttpResponse } from "msw";
import { expect, test } from "vitest";
import { aServer } from "@/mock/fixtures";
import { button, openServer } from "@/mock/serverPage";
import { network } from "@/mock/setup";

test("labels are saved; what was typed stays when they are refused", async () => {
  const server = aServer({ labels: { env: "prod" } });
  const { user, db } = await openServer(server, "/settings");
  const field = await screen.findByLabelText("Labels", { selector: "textarea" });
  expect(field).toHaveValue("env: prod");
  expect(await button("Save labels")).toHaveAccessibleDescription("Nothing has changed.");
  await user.type(field, "{Enter}team");
  expect(field).toBeInvalid();
  await user.type(field, ": web");
  const problem = { title: "No", detail: "Too many.", status: 422, code: "invalid", request_id: "req_4", errors: [] };
  let refuse = true;
  network.use(http.patch("*/v1/servers/:id", () => (refuse ? HttpResponse.json(problem, { status: 422 }) : undefined)));
  await user.click(await button("Save labels"));
  expect(await screen.findByRole("alert")).toHaveTextContent("req_4");
  expect(field).toHaveValue("env: prod\nteam: web");
  refuse = false;
  await user.click(await button("Save labels"));
  expect(await screen.findByText("Saved")).toBeVisible();
  expect(db.servers.get(server.id)!.labels).toEqual({ env: "prod", team: "web" });
});

test("protection keeps a server from its end, and says so at both buttons", async () => {
  const { user } = await openServer(aServer(), "/settings");
  await user.click(await button("Turn on"));
  expect(await button("Turn off")).toBeVisible();
  for (const name of ["Terminate", "Terminate this server"])
    await waitFor(async () => expect(await button(name)).toHaveAccessibleDescription("Delete protection is on."));
  await user.click(await button("Turn off"));
  await waitFor(async () => expect(await button("Terminate this server")).not.toHaveAttribute("aria-disabled"));
});

test("the end is asked for here too", async () => {
  const { user, db } = await openServer(aServer({ name: "shop" }), "/settings");
  await user.click(await button("Terminate this server"));
  const dialog = await screen.findByRole("alertdialog", { name: "Terminate shop?" });
  await user.type(within(dialog).getByLabelText("Type shop to confirm"), "shop{Enter}");
  await waitFor(() => expect(db.newestOperation()?.type).toBe("terminate"));
});
