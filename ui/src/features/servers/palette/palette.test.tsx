import { screen, waitFor } from "@testing-library/react";
import { http, HttpResponse } from "msw";
import { expect, test } from "vitest";
import { renderApp } from "@/mock/app";
import { aServer } from "@/mock/fixtures";
import { openServer } from "@/mock/serverPage";
import { network } from "@/mock/setup";

const field = () => screen.findByRole("combobox", { name: "What do you want to do?" });

test("a server is found by its address and opened, by keyboard alone", async () => {
  const server = aServer({ name: "shop" });
  const { user, url } = renderApp("/servers", { servers: [server, aServer({ name: "other" })] });
  await screen.findByRole("table");
  await user.keyboard("{Control>}k{/Control}");
  await user.type(await field(), server.ips[0]!.address);
  expect(await screen.findByRole("option", { name: /^shop/ })).toHaveAttribute("aria-selected", "true");
  await user.keyboard("{Enter}");
  await waitFor(() => expect(url()).toBe(`/servers/${server.id}`));
  await waitFor(() => expect(screen.queryByRole("combobox", { name: "What do you want to do?" })).toBeNull());
});

test("what the server in view allows is offered, and nothing else", async () => {
  const { user, db } = await openServer(aServer({ name: "shop" }));
  await user.click(screen.getByRole("button", { name: "Search and commands" }));
  await user.type(await field(), "shop");
  await waitFor(() => expect(screen.getAllByRole("option")[0]).toHaveAccessibleName(/^shop/));
  expect(screen.queryByRole("option", { name: /^Start: shop/ })).toBeNull();
  await user.clear(await field());
  await user.type(await field(), "reboot sh{Enter}");
  await waitFor(() => expect([...db.operations.values()].map(({ type }) => type)).toEqual(["reboot"]));
});

test("a refusal is said where it was asked", async () => {
  const { user } = await openServer(aServer({ name: "shop" }));
  network.use(
    http.post("*/v1/servers/:id/actions", () =>
      HttpResponse.json(
        { title: "No", detail: "Not now.", status: 409, request_id: "req_9", errors: [] },
        { status: 409 },
      ),
    ),
  );
  await user.keyboard("{Control>}k{/Control}");
  await user.type(await field(), "shut down{Enter}");
  expect(await screen.findByRole("alert")).toHaveTextContent("Not now.");
});

test("the theme is chosen, kept, and given back to the system", async () => {
  const { user } = renderApp("/servers", { servers: [aServer()] });
  await screen.findByRole("table");
  await user.keyboard("{Meta>}k{/Meta}");
  await user.type(await field(), "dark{Enter}");
  expect(document.documentElement.style.colorScheme).toBe("dark");
  expect(localStorage.getItem("hostler.theme")).toBe("dark");
  await user.keyboard("{Meta>}k{/Meta}");
  await user.type(await field(), "system{Enter}");
  expect(document.documentElement.style.colorScheme).toBe("");
  expect(localStorage.getItem("hostler.theme")).toBeNull();
});
