import { screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import type { Past } from "@/api/types";
import { renderApp } from "@/mock/app";
import { admin, aServer } from "@/mock/fixtures";

const AT = "2026-03-03T14:05:00.000Z";
const server = aServer({ name: "web" });
const differences = [
  { field: "/plan/name", then: "Small", now: "Large" },
  { field: "/plan/memory_mib", then: 1024, now: 8192 },
  { field: "/status", then: "stopped", now: "running" },
  { field: "/ips", then: [], now: [{ address: "203.0.113.9", prefix: 24 }] },
  { field: "/protection/delete", then: false, now: true },
  { field: "/purge_at", then: "2026-03-05T08:00:00Z", now: null },
];

function thePast(changes: Partial<Past> = {}): Past {
  return {
    object: "past",
    time: AT,
    account: null,
    address: null,
    servers: [
      { id: server.id, then: { ...server, status: "stopped" }, operation: null, now: server, changes: differences },
    ],
    more_servers: false,
    events: {
      data: [
        {
          id: "evt_1",
          at: "2026-03-04T08:00:00Z",
          actor: { type: "user", label: "Alice" },
          title: "The plan was changed",
          detail: "From Small to Large.",
          operation_id: "op_1",
          request_id: "req-7",
        },
      ],
      page: { limit: 50, next_cursor: null, has_more: false },
    },
    ...changes,
  };
}

function travel(past: Past | null, url = "/admin/time-machine") {
  const app = renderApp(url, { user: admin });
  app.db.staff.past = past;
  return app;
}

test("a server is shown as it was, with what is different now, and who made it so", async () => {
  const { db, user, url } = travel(thePast());
  await user.type(await screen.findByLabelText("Server, customer or address"), server.id);
  const time = screen.getByLabelText("At");
  await user.clear(time);
  await user.type(time, "2026-03-03T14:05:00");
  await user.click(screen.getByRole("button", { name: "Show" }));
  const then = await screen.findByRole("region", { name: "web" });
  expect(then).toHaveTextContent("Stopped");
  const row = (name: string | RegExp) => within(then).getByRole("row", { name });
  expect(row("Plan Small Large")).toBeVisible();
  expect(row("Memory 1 GiB 8 GiB")).toBeVisible();
  expect(row("Status Stopped Running")).toBeVisible();
  expect(row("Addresses none 203.0.113.9")).toBeVisible();
  expect(row("Delete protection no yes")).toBeVisible();
  const ended = within(row(/^Deleted for good at Mar 5, 2026.* none$/));
  expect(ended.getByRole("time")).toHaveAttribute("title", "Mar 5, 2026, 8:00:00 AM UTC");
  const since = screen.getByRole("region", { name: "What happened since" });
  expect(since).toHaveTextContent("The plan was changed by Alice");
  expect(since).toHaveTextContent("req-7");
  expect(db.staff.pastAsked[0]).toMatchObject({
    server: server.id,
    time: new Date("2026-03-03T14:05:00").toISOString(),
  });
  expect(url()).toContain(`about=${server.id}`);
});

test("the moment of an event is one step away", async () => {
  const { db, user } = travel(thePast(), `/admin/time-machine?about=${server.id}&at=${AT}`);
  await user.click(await screen.findByRole("button", { name: "Go to this moment" }));
  await waitFor(() => expect(db.staff.pastAsked.at(-1)?.["time"]).toBe("2026-03-04T08:00:00.000Z"));
});

test("an address tells who had it then and who has it now", async () => {
  const holder = { network: "net", server: "srv_1", name: "old", account: null, cluster: "demo", vmid: 101 };
  const then = { ...holder, since: "2026-01-01T00:00:00Z", until: "2026-06-01T00:00:00Z" };
  const { db } = travel(
    thePast({ address: { address: "203.0.113.9", then, now: null, holders: [then] }, servers: [] }),
    `/admin/time-machine?about=203.0.113.9&at=${AT}`,
  );
  const card = await screen.findByRole("region", { name: "203.0.113.9" });
  expect(within(card).getByRole("link", { name: "old" })).toHaveAttribute("href", "/admin/time-machine?about=srv_1");
  expect(card).toHaveTextContent("Nobody had it.");
  expect(db.staff.pastAsked[0]).toMatchObject({ address: "203.0.113.9" });
});

test("what never was is said", async () => {
  travel(null, `/admin/time-machine?about=srv_0&at=${AT}`);
  expect(await screen.findByText(/There never was such a server/)).toBeVisible();
});
