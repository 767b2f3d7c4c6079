import { screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { renderApp } from "@/mock/app";
import { admin } from "@/mock/fixtures";
import { aMember, anAccount } from "@/mock/people";

const button = (name: string | RegExp) => screen.findByRole("button", { name });

test("a webhook is made, and its secret is shown once", async () => {
  const { user, db } = renderApp("/account");
  await user.click(await screen.findByRole("link", { name: "Webhooks" }));
  expect(await screen.findByText("You have no webhooks yet.")).toBeVisible();
  expect(await button("Create webhook")).toHaveAccessibleDescription(/An address/);
  await user.type(screen.getByLabelText("Address"), "https://127.0.0.1/x{Enter}");
  expect(await screen.findByText("No public server answers to this name.")).toBeVisible();
  await user.clear(screen.getByLabelText("Address"));
  await user.type(screen.getByLabelText("Address"), "https://billing.example.com/hooks");
  await user.click(screen.getByRole("checkbox", { name: "Everything" }));
  for (const box of screen.getAllByRole("checkbox", { checked: true })) await user.click(box);
  expect(await button("Create webhook")).toHaveAccessibleDescription("Choose at least one.");
  await user.click(screen.getByRole("checkbox", { name: "A server was suspended" }));
  await user.click(await button("Create webhook"));
  expect(await screen.findByText("whsec_abc")).toBeVisible();
  await user.click(await button("I have kept it"));
  expect(screen.queryByText("whsec_abc")).toBeNull();
  expect(await screen.findByRole("link", { name: "https://billing.example.com/hooks" })).toBeVisible();
  expect(db.webhooks.list("acc_1")[0]?.events).toEqual(["server.suspended"]);
});

test("who one is is asked again before a secret is shown", async () => {
  const { user, db } = renderApp("/account/webhooks");
  db.account.proved = false;
  await user.type(await screen.findByLabelText("Address"), "https://billing.example.com/hooks{Enter}");
  const dialog = await screen.findByRole("alertdialog");
  await user.type(within(dialog).getByLabelText("Password"), `${db.password}{Enter}`);
  expect(await screen.findByText("whsec_abc")).toBeVisible();
});

test("a test says what came of it, and what was sent is listed with what was answered", async () => {
  const { user, db } = renderApp("/account/webhooks/whk_1");
  db.webhooks.add("acc_1");
  await user.click(await button("Send a test"));
  expect(await screen.findByText("The test was taken: it answered 200 after 42 ms")).toBeVisible();
  db.webhooks.taking = false;
  await user.click(await button("Send a test"));
  expect(await screen.findByRole("alert")).toHaveTextContent("The test was not takenAnswered 500");
  const sent = await screen.findByRole("list", { name: "What it was sent" });
  await waitFor(() => expect(within(sent).getAllByText("webhook.ping")).toHaveLength(2));
  await user.click(within(sent).getAllByText("webhook.ping")[0]!);
  expect(await within(sent).findByText("out of order")).toBeVisible();
  expect(within(sent).getByLabelText("What it says")).toHaveTextContent('"type": "webhook.ping"');
  expect(within(sent).queryByRole("button", { name: "Tell again from here" })).toBeNull();
});

test("a message is sent again, and everything after it is told again", async () => {
  const { user, db, url } = renderApp("/account/webhooks/whk_1?account=acc_1");
  const webhook = db.webhooks.add("acc_1");
  db.webhooks.taking = false;
  const delivery = db.webhooks.send(webhook);
  await user.selectOptions(await screen.findByLabelText("Show"), "Given up");
  expect(url()).toBe("/account/webhooks/whk_1?account=acc_1&state=failed");
  await user.click(await screen.findByText("server.suspended"));
  db.webhooks.taking = true;
  await user.click(await button("Send again"));
  await waitFor(() => expect(delivery.state).toBe("delivered"));
  expect(await screen.findByText("Nothing in this state.")).toBeVisible();
  await user.selectOptions(screen.getByLabelText("Show"), "All");
  await user.click(await screen.findByText("server.suspended"));
  await user.click(await button("Tell again from here"));
  const dialog = await screen.findByRole("alertdialog");
  expect(dialog).toHaveTextContent("under the same id");
  await user.click(within(dialog).getByRole("button", { name: "Tell again from here" }));
  await waitFor(() =>
    expect(db.webhooks.deliveries.get(webhook.id)?.[0]?.message_id).toBe(`msg_after_${delivery.position}`),
  );
});

test("one that was turned off by itself says why, and is turned on again", async () => {
  const { user, db } = renderApp("/account/webhooks/whk_1");
  const webhook = db.webhooks.add("acc_1", { enabled: false, disabled_reason: "It answered 410 Gone.", waiting: 3 });
  expect(await screen.findByText("It answered 410 Gone.")).toBeVisible();
  expect(screen.getByText("Off · 3 messages wait")).toBeVisible();
  expect(await button("Tell everything again")).toHaveAccessibleDescription("It is turned off.");
  await user.click(await button("Turn on"));
  await waitFor(() => expect(screen.queryByText("It answered 410 Gone.")).toBeNull());
  expect(webhook.enabled).toBe(true);
});

test("one that takes nothing says since when; its secret is changed, and it is deleted", async () => {
  const { user, db, url } = renderApp("/account/webhooks/whk_1");
  db.webhooks.add("acc_1", { failing_since: "2026-03-03T14:05:00Z" });
  expect(await screen.findByText("It takes nothing at the moment")).toBeVisible();
  await user.click(await button("New secret"));
  await user.click(within(await screen.findByRole("alertdialog")).getByRole("button", { name: "New secret" }));
  expect(await screen.findByText("whsec_new")).toBeVisible();
  await user.click(await button("Delete"));
  await user.click(within(await screen.findByRole("alertdialog")).getByRole("button", { name: "Delete" }));
  expect(await screen.findByText("You have no webhooks yet.")).toBeVisible();
  expect(url()).toBe("/account/webhooks?account=acc_1");
});

test("what it is told is changed", async () => {
  const { user, db } = renderApp("/account/webhooks/whk_1");
  const webhook = db.webhooks.add("acc_1");
  expect(await button("Save")).toHaveAccessibleDescription("Nothing has changed.");
  await user.type(screen.getByLabelText("Description"), "Billing");
  await user.click(await button("Save"));
  await waitFor(() => expect(webhook.description).toBe("Billing"));
  expect(await screen.findByRole("region", { name: "Billing" })).toBeVisible();
});

test("who does not manage an account is told so", async () => {
  const { db } = renderApp("/account/webhooks");
  db.people.accounts.splice(0, 1, anAccount({ role: "viewer", members: [aMember({ role: "viewer" })] }));
  expect(await screen.findByText(/Only owners and admins/)).toBeVisible();
});

test("staff have webhooks of their own", async () => {
  const { user, db } = renderApp("/admin/webhooks", { user: admin });
  await user.type(await screen.findByLabelText("Address"), "https://noc.example.com/{Enter}");
  await user.click(await button("I have kept it"));
  await user.click(await screen.findByRole("link", { name: "https://noc.example.com/" }));
  expect(await screen.findByText("Nothing yet. Send a test, or wait until something happens.")).toBeVisible();
  expect(db.webhooks.list("")).toHaveLength(1);
  expect(screen.getByRole("link", { name: "All webhooks" })).toHaveAttribute("href", "/admin/webhooks");
});
