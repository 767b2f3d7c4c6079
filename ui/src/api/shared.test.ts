import { waitFor } from "@testing-library/react";
import { http, HttpResponse } from "msw";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MockDb } from "@/mock/db";
import { aServer, customer } from "@/mock/fixtures";
import { handlers, MockSession } from "@/mock/handlers";
import { network } from "@/mock/setup";
import { shareStream } from "./shared";

let db: MockDb;
let opened = 0;
const server = aServer({ name: "web" });
const tabs: (() => void)[] = [];

beforeEach(() => {
  vi.stubGlobal("navigator", { locks: new Locks() });
  db = new MockDb([server]);
  opened = 0;
  network.use(...handlers(db, new MockSession(customer)));
  network.use(http.get("*/v1/events", () => void (opened += 1)));
});

afterEach(() => {
  for (const close of tabs.splice(0)) close();
  vi.unstubAllGlobals();
});

/** As the browser has them: who asks for a name waits until nobody before holds it. */
class Locks {
  private last: Promise<unknown> = Promise.resolve();

  request(_name: string, { signal }: { signal: AbortSignal }, hold: () => Promise<void>): Promise<unknown> {
    this.last = this.last.then(() => (signal.aborted ? undefined : hold()));
    return this.last;
  }
}

function openTab() {
  const heard = { events: [] as string[], gaps: 0, states: [] as boolean[] };
  const close = shareStream("tabs", {
    onEvent: ({ type }) => heard.events.push(type),
    onGap: () => void (heard.gaps += 1),
    onState: (live) => heard.states.push(live),
  });
  tabs.push(close);
  return { heard, close };
}

test("many tabs have one stream, and each hears what comes", async () => {
  const [first, second] = [openTab(), openTab()];
  await waitFor(() => expect(second.heard.states).toEqual([true]));
  const third = openTab();
  await waitFor(() => expect(third.heard.states).toEqual([true]));
  expect(third.heard.gaps).toBe(1);
  db.change(server.id, { status: "stopped" });
  for (const { heard } of [first, second, third]) await waitFor(() => expect(heard.events).toEqual(["server.updated"]));
  expect(opened).toBe(1);
});

test("when the tab that listens is closed another listens, and what was missed is read again", async () => {
  const [first, second] = [openTab(), openTab()];
  await waitFor(() => expect(second.heard.states).toEqual([true]));
  const before = second.heard.gaps;
  first.close();
  await waitFor(() => expect(opened).toBe(2));
  await waitFor(() => expect(second.heard.gaps).toBe(before + 1));
  db.change(server.id, { status: "stopped" });
  await waitFor(() => expect(second.heard.events).toEqual(["server.updated"]));
  expect(first.heard.events).toEqual([]);
});

test("all say that the stream is down", async () => {
  network.use(http.get("*/v1/events", () => HttpResponse.error()));
  const [first, second] = [openTab(), openTab()];
  await waitFor(() => expect(first.heard.states).toEqual([false]));
  await waitFor(() => expect(second.heard.states).toEqual([false]));
});
