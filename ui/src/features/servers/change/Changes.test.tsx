import { screen, waitFor, within } from "@testing-library/react";
import { http } from "msw";
import { expect, test } from "vitest";
import type { ServerAction } from "@/api/types";
import { aServer, plans } from "@/mock/fixtures";
import { MADE_UP } from "@/mock/handlers";
import { button, openServer } from "@/mock/serverPage";
import { network } from "@/mock/setup";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE ada@laptop";
/** A key of the account of whoever is signed in. */
const KEPT = {
  id: "key_7",
  object: "ssh_key" as const,
  name: "laptop",
  public_key: KEY,
  fingerprint: "SHA256:abc",
  created_at: "2026-01-01T00:00:00Z",
};
const medium = { ...plans[1]! };

/** What is sent to the service from now on. */
function sent(): ServerAction[] {
  const bodies: ServerAction[] = [];
  network.use(
    http.post("*/v1/servers/:id/actions", async ({ request }) => {
      bodies.push((await request.clone().json()) as ServerAction);
      return undefined;
    }),
  );
  return bodies;
}

test("a rebuild names what is lost, keeps a snapshot if asked, and takes keys", async () => {
  const { user, db, finish } = await openServer(aServer({ name: "shop" }));
  db.account.keys.push(KEPT);
  const bodies = sent();
  await user.click(await button("Rebuild"));
  const dialog = await screen.findByRole("alertdialog", { name: "Rebuild shop?" });
  expect(await within(dialog).findByText("Everything on the disk is lost, and every snapshot with it.")).toBeVisible();
  await user.selectOptions(await within(dialog).findByLabelText("Operating system"), "Ubuntu 24.04");
  await user.click(within(dialog).getByLabelText("Take a safety snapshot first"));
  expect(dialog).toHaveTextContent("The disk as it is now is kept as a snapshot");
  await user.click(await within(dialog).findByRole("checkbox", { name: "laptop" }));
  await user.click(await within(dialog).findByLabelText("User data"));
  await user.paste("#cloud-config\n");
  expect(within(dialog).getByRole("button", { name: "Rebuild" })).toHaveAttribute("aria-disabled", "true");
  await user.type(within(dialog).getByLabelText("Type shop to confirm"), "shop");
  await user.click(within(dialog).getByRole("button", { name: "Rebuild" }));
  await waitFor(() => expect(screen.queryByRole("alertdialog")).toBeNull());
  expect(await button("Rebuilding…")).toBeVisible();
  expect(bodies).toEqual([
    {
      type: "rebuild",
      image: "img_b",
      safety: true,
      ssh_key_ids: ["key_7"],
      password: null,
      user_data: "#cloud-config\n",
    },
  ]);
  await finish();
  await waitFor(() => expect(screen.getByRole("region", { name: "Specifications" })).toHaveTextContent("Ubuntu 24.04"));
  expect(db.operations.size).toBe(1);
});

test("plans that do not fit say why; the rest can be had", async () => {
  const { user, finish } = await openServer(aServer({ plan: medium }));
  await user.click(await button("Resize"));
  const dialog = await screen.findByRole("alertdialog");
  expect(await within(dialog).findByLabelText(/^S/)).toBeDisabled();
  expect(dialog).toHaveTextContent("Its disk is smaller than the current 40 GiB");
  expect(within(dialog).getByLabelText(/^M/)).toBeDisabled();
  expect(within(dialog).getByRole("button", { name: "Resize" })).toHaveAccessibleDescription("Choose another plan.");
  await user.click(within(dialog).getByLabelText(/^L/));
  expect(dialog).toHaveTextContent("The disk grows at once and cannot shrink again.");
  await user.click(within(dialog).getByRole("button", { name: "Resize" }));
  await waitFor(() => expect(screen.queryByRole("alertdialog")).toBeNull());
  expect(await button("Resizing…")).toBeVisible();
  await finish();
  await waitFor(() => expect(screen.getByRole("region", { name: "Specifications" })).toHaveTextContent("8 GiB"));
  expect(await screen.findByText("A restart is needed")).toBeVisible();
});

test("a name that is taken is said at its field, and what was typed stays", async () => {
  const { user, finish } = await openServer(aServer({ name: "old" }));
  await user.click(await button("Rename"));
  const dialog = await screen.findByRole("alertdialog", { name: "Rename old" });
  const field = within(dialog).getByLabelText("New name");
  await user.clear(field);
  await user.type(field, "taken");
  await user.click(within(dialog).getByRole("button", { name: "Rename" }));
  await waitFor(() => expect(field).toHaveAccessibleDescription(/You have a server of this name already/));
  await user.clear(field);
  await user.type(field, "new");
  await user.click(within(dialog).getByRole("button", { name: "Rename" }));
  await waitFor(() => expect(screen.queryByRole("alertdialog")).toBeNull());
  await finish();
  expect(await screen.findByRole("heading", { name: "new" })).toBeVisible();
});

test("a password that was made up is shown once, to be copied", async () => {
  const { user } = await openServer(aServer());
  await user.click(await button("New password"));
  const dialog = await screen.findByRole("alertdialog");
  await user.click(within(dialog).getByRole("button", { name: "Change password" }));
  expect(await screen.findByText(MADE_UP)).toBeVisible();
  await user.click(await button("Copy the password"));
  expect(await navigator.clipboard.readText()).toBe(MADE_UP);
  await user.click(await button("I have kept it"));
  await waitFor(() => expect(screen.queryByText(MADE_UP)).toBeNull());
});

test("keys are replaced by keys", async () => {
  const { user } = await openServer(aServer());
  const bodies = sent();
  await user.click(await button("New password"));
  const dialog = await screen.findByRole("alertdialog");
  await user.click(within(dialog).getByLabelText("Replace the SSH keys"));
  expect(within(dialog).getByRole("button", { name: "Change password" })).toHaveAccessibleDescription(
    "Choose at least one key.",
  );
  await user.click(within(dialog).getByRole("button", { name: "Add a key" }));
  await user.type(within(dialog).getByLabelText("Name of the key"), "laptop");
  await user.type(within(dialog).getByLabelText("Public key"), "nonsense");
  expect(within(dialog).getByLabelText("Public key")).toBeInvalid();
  await user.clear(within(dialog).getByLabelText("Public key"));
  await user.click(within(dialog).getByLabelText("Public key"));
  await user.paste(KEY);
  await user.keyboard("{Enter}");
  expect(await within(dialog).findByRole("checkbox", { name: "laptop" })).toBeChecked();
  await user.click(within(dialog).getByRole("button", { name: "Change password" }));
  await waitFor(() => expect(bodies).toEqual([{ type: "reset_password", ssh_key_ids: ["key_1"] }]));
  await waitFor(() => expect(screen.queryByRole("alertdialog")).toBeNull());
});
