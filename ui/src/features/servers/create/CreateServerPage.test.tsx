import { screen, waitFor } from "@testing-library/react";
import { http, HttpResponse } from "msw";
import { expect, onTestFinished, test } from "vitest";
import type { ServerCreate } from "@/api/types";
import { renderApp } from "@/mock/app";
import { aServer, images, locations, plans } from "@/mock/fixtures";
import { aMember, anAccount } from "@/mock/people";
import { network } from "@/mock/setup";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE ada@laptop";

async function fill(user: ReturnType<typeof renderApp>["user"], name: string) {
  await user.click(await screen.findByLabelText("Debian 12"));
  await user.click(screen.getByRole("radio", { name: /^M/ }));
  await user.type(screen.getByLabelText("Name"), name);
}

const submit = () => screen.getByRole("button", { name: "Create server" });

test("what is still to choose is said, and only one location needs no choosing", async () => {
  renderApp("/servers/new");
  await screen.findByLabelText("Debian 12");
  expect(screen.getByLabelText("Frankfurt")).toBeChecked();
  expect(submit()).toHaveAccessibleDescription("Still to choose: Operating system, Plan, Name.");
});

test("a server is created, and its page shows the progress", async () => {
  const { user, db, url, halfway, finish } = renderApp("/servers/new");
  await fill(user, "shop");
  expect(await screen.findByText("This can be created now.")).toBeVisible();
  expect(db.servers.size).toBe(0);
  await user.click(submit());
  expect(await screen.findByRole("heading", { name: "shop" })).toBeVisible();
  expect(url()).toMatch(/^\/servers\/srv_/);
  const { progress } = await halfway();
  expect(progress).toBeGreaterThan(0);
  await waitFor(() =>
    expect(screen.getByRole("progressbar", { name: "Creating the server" })).toHaveAttribute(
      "aria-valuenow",
      String(progress),
    ),
  );
  await finish();
  expect(await screen.findByText("Running")).toBeVisible();
});

test("what the service would refuse is shown at its field before anything is sent", async () => {
  const { user, db } = renderApp("/servers/new", { servers: [aServer({ name: "taken" })] });
  await fill(user, "taken");
  expect(await screen.findByText("You have a server of this name already.")).toBeVisible();
  expect(screen.getByLabelText("Name")).toBeInvalid();
  expect(db.servers.size).toBe(1);
});

test("what cannot be had is marked at once, with the reason, and cannot be chosen", async () => {
  const { user } = renderApp("/servers/new");
  const named: string[] = [];
  network.use(
    http.get("*/v1/images", () => {
      const big = { ...images[1]!, id: "img_big", name: "Windows", min_disk_gib: 60 };
      return HttpResponse.json({ data: [images[0], big], page: { limit: 200, next_cursor: null, has_more: false } });
    }),
    http.get("*/v1/locations", () => {
      const full = { ...locations[0]!, id: "loc_full", name: "Paris" };
      return HttpResponse.json({
        data: [locations[0], full],
        page: { limit: 200, next_cursor: null, has_more: false },
      });
    }),
    http.post("*/v1/servers", async ({ request }) => {
      expect(new URL(request.url).searchParams.get("dry_run")).toBe("true");
      const { location, plan, name } = (await request.json()) as ServerCreate;
      named.push(name);
      const no = (pointer: string, message: string) => {
        const errors = [{ pointer, code: "no_capacity", message }];
        return HttpResponse.json(
          { title: message, detail: message, status: 422, code: "invalid", errors },
          { status: 422 },
        );
      };
      if (location === "loc_full") return no("/plan", "Paris has no room for this plan now.");
      if (plan === plans[2]!.id) return no("/plan", "Frankfurt has no room for this plan now.");
      return HttpResponse.json({ fits: true, dry_run: true });
    }),
  );
  const option = (name: RegExp) => screen.findByRole("radio", { name });
  await waitFor(async () => expect(await option(/^Paris/)).toBeDisabled());
  expect(await option(/^Paris/)).toHaveAccessibleName(/^Paris ?Paris has no room for this plan now\.$/);
  expect(await option(/^L/)).toHaveAccessibleName(/Frankfurt has no room for this plan now\.$/);
  for (const name of [/^Frankfurt/, /^Debian/, /^Windows/, /^S/, /^M/]) expect(await option(name)).toBeEnabled();
  await user.click(await option(/^S/));
  expect(await option(/^Windows/)).toBeDisabled();
  expect(await option(/^Windows/)).toHaveAccessibleName(/^Windows ?Windows needs a disk of at least 60 GiB\.$/);
  expect(await option(/^S/)).toBeEnabled();
  expect(new Set(named)).toEqual(new Set(["is-it-to-be-had"]));
});

test("who may order for several accounts chooses one of them", async () => {
  const { user, db } = renderApp("/servers/new");
  const member = (role: "owner" | "viewer") => [aMember({ role })];
  db.people.accounts.push(anAccount({ id: "acc_2", name: "Other", members: member("owner") }));
  db.people.accounts.push(anAccount({ id: "acc_3", name: "Only seen", members: member("viewer") }));
  await fill(user, "shop");
  expect(screen.getByRole("radio", { name: "Ada’s shop" })).toBeChecked();
  expect(screen.queryByRole("radio", { name: "Only seen" })).toBeNull();
  await user.click(screen.getByRole("radio", { name: "Other" }));
  await user.click(submit());
  expect(await screen.findByRole("heading", { name: "shop" })).toBeVisible();
  expect([...db.owners.values()]).toEqual(["acc_2"]);
});

test("mistakes that can be seen here are not sent", async () => {
  const { user } = renderApp("/servers/new");
  await fill(user, "not_a_host_name");
  await user.type(screen.getByLabelText("Labels"), "nonsense");
  const labels = screen.getByLabelText("Labels");
  await waitFor(() => expect(labels).toHaveAccessibleDescription(/Line 1 is not of the form/));
  expect(screen.getByLabelText("Name")).toHaveAccessibleDescription(/Use letters, digits, hyphens and dots/);
  expect(submit()).toHaveAttribute("aria-disabled", "true");
});

test("keys, password and labels go along; sending again after silence repeats the idempotency key", async () => {
  const { user, url } = renderApp("/servers/new");
  const sent: { key: string | null; order: ServerCreate }[] = [];
  await fill(user, "shop");
  await user.click(screen.getByRole("button", { name: "Add a key" }));
  await user.type(screen.getByLabelText("Name of the key"), "laptop");
  await user.type(screen.getByLabelText("Public key"), KEY);
  await user.click(screen.getByRole("button", { name: "Add and choose it" }));
  expect(await screen.findByRole("checkbox", { name: "laptop" })).toBeChecked();
  await user.type(screen.getByLabelText("Labels"), "team: web");
  await user.type(screen.getByLabelText("Root password"), "s3cret-word");
  await screen.findByText("This can be created now.");
  network.use(
    http.post("*/v1/servers", async ({ request }) => {
      if (request.url.includes("dry_run")) return undefined;
      sent.push({ key: request.headers.get("Idempotency-Key"), order: (await request.clone().json()) as ServerCreate });
      return sent.length === 1 ? HttpResponse.error() : undefined;
    }),
  );
  await user.click(submit());
  expect(await screen.findByText("The server was not created")).toBeVisible();
  await user.click(submit());
  await waitFor(() => expect(url()).toMatch(/^\/servers\/srv_/));
  expect(sent).toHaveLength(2);
  expect(sent[0]).toEqual(sent[1]);
  expect(sent[0]!.order).toMatchObject({
    name: "shop",
    password: "s3cret-word",
    ssh_key_ids: ["key_1"],
    labels: { team: "web" },
  });
});

test("user data goes along where the location takes it, and is in the command", async () => {
  const { user, db } = renderApp("/servers/new");
  await fill(user, "shop");
  const field = screen.getByLabelText("User data");
  await user.click(field);
  await user.paste("#".repeat(64 * 1024 + 1));
  expect(field).toHaveAccessibleDescription(/^Use at most 64 KiB/);
  await user.clear(field);
  await user.paste("#!/bin/sh\nid\n");
  await user.click(await screen.findByText("As a curl command"));
  await user.click(screen.getByRole("button", { name: "Copy the command" }));
  expect(await navigator.clipboard.readText()).toContain('"user_data":"#!/bin/sh\\nid\\n"');
  const bodies: ServerCreate[] = [];
  network.use(
    http.post("*/v1/servers", async ({ request }) => {
      if (!request.url.includes("dry_run")) bodies.push((await request.clone().json()) as ServerCreate);
      return undefined;
    }),
  );
  await user.click(submit());
  await screen.findByRole("heading", { name: "shop" });
  expect(bodies.map(({ user_data }) => user_data)).toEqual(["#!/bin/sh\nid\n"]);
  expect(db.servers.size).toBe(1);
});

test("a location that takes no user data is asked for none", async () => {
  const place = locations[0]!;
  place.user_data = false;
  onTestFinished(() => {
    place.user_data = true;
  });
  renderApp("/servers/new");
  await screen.findByLabelText("Debian 12");
  expect(screen.queryByLabelText("User data")).toBeNull();
});

test("the same order is a command, without the password", async () => {
  const { user } = renderApp("/servers/new");
  await fill(user, "shop");
  await user.type(screen.getByLabelText("Root password"), "s3cret-word");
  await user.click(await screen.findByText("As a curl command"));
  await user.click(screen.getByRole("button", { name: "Copy the command" }));
  const command = await navigator.clipboard.readText();
  expect(command).toContain('"name":"shop"');
  expect(command).not.toContain("s3cret-word");
});
