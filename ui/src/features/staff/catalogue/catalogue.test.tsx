import { screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { renderApp } from "@/mock/app";
import { admin, customer } from "@/mock/fixtures";

type User = ReturnType<typeof renderApp>["user"];

async function asked(user: User, name: string): Promise<HTMLElement> {
  await user.click(await screen.findByRole("button", { name }));
  return screen.findByRole("alertdialog");
}

async function type(user: User, inside: HTMLElement, label: string, text: string) {
  const field = within(inside).getByLabelText(label);
  await user.clear(field);
  await user.type(field, text);
}

const answer = (user: User, inside: HTMLElement, name: string) =>
  user.click(within(inside).getByRole("button", { name }));

test("customers learn nothing from the URL", async () => {
  renderApp("/admin/plans", { user: customer });
  expect(await screen.findByText("This page is for staff")).toBeVisible();
});

test("each plan says who governs it; only what staff made can be changed", async () => {
  renderApp("/admin/plans", { user: admin });
  const list = await screen.findByRole("list", { name: "Plans" });
  expect(list).toHaveTextContent("1 vCPU · 512 MiB memory · 5 GiB disk · 3 snapshots, 3 backups");
  expect(list).toHaveTextContent("Named in hostler.toml: change it there.");
  expect(list).toHaveTextContent("changed by Root");
  expect(list).toHaveTextContent("“asked for by many”");
  expect(screen.getByRole("button", { name: "Change: Tiny" })).toBeVisible();
  expect(screen.queryByRole("button", { name: "Change: Small" })).toBeNull();
  expect(screen.getByRole("link", { name: "Catalogue" })).toHaveAttribute("aria-current", "page");
});

test("what is not offered is shown when it is asked for, and the URL keeps that", async () => {
  const { user, url } = renderApp("/admin/plans", { user: admin });
  await screen.findByText("Tiny");
  expect(screen.queryByText("Starter 2019")).toBeNull();
  await user.click(screen.getByLabelText("Show those that are not offered"));
  expect(await screen.findByText("Starter 2019")).toBeVisible();
  expect(url()).toBe("/admin/plans?retired=true");
});

test("a plan is made and changed, with the reason", async () => {
  const { db, user } = renderApp("/admin/plans", { user: admin });
  const made = await asked(user, "New plan");
  await type(user, made, "Name", "Huge");
  await type(user, made, "Key", "huge");
  await type(user, made, "vCPUs", "16");
  await type(user, made, "Memory (MiB)", "32768");
  await type(user, made, "Why", "for databases");
  await answer(user, made, "New plan");
  const list = await screen.findByRole("list", { name: "Plans" });
  await waitFor(() => expect(list).toHaveTextContent("16 vCPUs · 32 GiB memory · 10 GiB disk"));
  expect(db.staff.shelf.plans.at(-1)).toMatchObject({ key: "huge", reason: "for databases" });
  const changed = await asked(user, "Change: Tiny");
  expect(changed).toHaveTextContent("Servers that have this plan keep what they have.");
  await type(user, changed, "Disk (GiB)", "8");
  await answer(user, changed, "Change");
  await waitFor(() => expect(list).toHaveTextContent("512 MiB memory · 8 GiB disk"));
});

test("retiring says whose it stays, and can be undone", async () => {
  const { db, user } = renderApp("/admin/plans?retired=true", { user: admin });
  db.staff.shelf.inUse = { servers: 12, waiting: 1 };
  const question = await asked(user, "Retire: Tiny");
  expect(await within(question).findByText(/12 servers have it. They keep it. 1 order of it/)).toBeVisible();
  await answer(user, question, "Retire");
  await answer(user, await asked(user, "Offer again: Tiny"), "Offer again");
  expect(await screen.findByRole("button", { name: "Retire: Tiny" })).toBeVisible();
});

test("an image is copied from templates that are named by cluster and number", async () => {
  const { db, user } = renderApp("/admin/images", { user: admin });
  const made = await asked(user, "New image");
  await type(user, made, "Name", "Alma 9");
  await type(user, made, "Key", "alma-9");
  await type(user, made, "VMID", "9200");
  await user.click(within(made).getByRole("button", { name: "Add a template" }));
  const rows = within(made).getAllByLabelText("VMID");
  await user.type(rows[1]!, "9201");
  await user.type(within(made).getAllByLabelText("Node")[1]!, "pve2");
  await answer(user, made, "New image");
  await waitFor(() => expect(db.staff.shelf.images.at(-1)?.key).toBe("alma-9"));
  expect(db.staff.shelf.images.at(-1)?.templates).toEqual([
    { cluster: "demo", node: null, vmid: 9200 },
    { cluster: "demo", node: "pve2", vmid: 9201 },
  ]);
  expect(await screen.findByText("VMID 9200 on demo · VMID 9201 on pve2 of demo")).toBeVisible();
});

test("a location has clusters and pools of the settings", async () => {
  const { db, user } = renderApp("/admin/locations", { user: admin });
  const made = await asked(user, "New location");
  await type(user, made, "Name", "Vienna");
  await type(user, made, "Key", "vie1");
  await user.click(await within(made).findByLabelText("demo"));
  await user.click(await within(made).findByLabelText("fra1-v4"));
  await answer(user, made, "New location");
  await waitFor(() =>
    expect(db.staff.shelf.locations.at(-1)).toMatchObject({ key: "vie1", clusters: ["demo"], pools: ["fra1-v4"] }),
  );
});
