import { waitFor } from "@testing-library/react";
import { http, HttpResponse } from "msw";
import { afterEach, expect, test, vi } from "vitest";
import { MockDb } from "@/mock/db";
import { customer } from "@/mock/fixtures";
import { handlers, MockSession } from "@/mock/handlers";
import { network } from "@/mock/setup";
import { forgetSession, restore, signOut } from "./session";
import { openStream, type StreamEvent } from "./stream";

const asked: (string | null)[] = [];
let close = () => {};

afterEach(() => {
  close();
  asked.length = 0;
});

/** A service which answers its n-th stream with the n-th text, and holds the ones after that open. */
function serve(...answers: (() => Response)[]) {
  network.use(...handlers(new MockDb(), new MockSession(customer)));
  network.use(
    http.get("*/v1/events", ({ request }) => {
      asked.push(request.headers.get("Last-Event-ID"));
      return (
        answers[asked.length - 1]?.() ?? new HttpResponse(held(), { headers: { "Content-Type": "text/event-stream" } })
      );
    }),
  );
}

/** A stream that has begun and stays open. */
const held = () =>
  new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode(": hello\n\n")) });
const stream = (text: string) => () => new HttpResponse(text, { headers: { "Content-Type": "text/event-stream" } });
const event = (id: string, n: number) => `id: ${id}\nevent: server.updated\ndata: {"n":${n}}\n\n`;

function follow() {
  const events: StreamEvent[] = [];
  const states: boolean[] = [];
  const gaps = vi.fn<() => void>();
  const state = (live: boolean) => states.push(live);
  close = openStream({ onEvent: (each) => events.push(each), onGap: gaps, onState: state }, [1]);
  return { events, states, gaps };
}

test("a broken stream resumes after the last event it delivered", async () => {
  serve(stream(event("log:1:1", 1) + event("log:1:2", 2)), stream(event("log:1:3", 3)));
  const { events, gaps } = follow();
  await waitFor(() => expect(asked).toEqual([null, "log:1:2", "log:1:3"]));
  expect(events.map(({ data }) => data)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  expect(gaps).toHaveBeenCalledTimes(1);
});

test("it says when it is down and when it is live again", async () => {
  serve(
    () => HttpResponse.error(),
    () => new HttpResponse(null, { status: 503 }),
  );
  const { states } = follow();
  await waitFor(() => expect(states).toEqual([false, false, true]));
});

test("a position of another log begins anew, and says that something may be missing", async () => {
  const reset = { type: "about:blank", title: "Another log", status: 410, code: "position_reset", request_id: "req_1" };
  serve(stream(event("old:1:1", 1)), () => HttpResponse.json(reset, { status: 410 }));
  const { gaps } = follow();
  await waitFor(() => expect(asked).toEqual([null, "old:1:1", null]));
  await waitFor(() => expect(gaps).toHaveBeenCalledTimes(2));
});

test("it falls silent before the session is over, and asks for nothing any more", async () => {
  serve();
  await restore();
  const { states } = follow();
  await waitFor(() => expect(states).toEqual([true]));
  const over = vi.fn<() => void>();
  network.use(
    http.post("*/v1/logout", () => {
      over();
      return new HttpResponse(null, { status: 204 });
    }),
  );
  await signOut();
  expect(over).toHaveBeenCalledOnce();
  await new Promise((resolve) => setTimeout(resolve));
  expect(asked).toHaveLength(1);
  expect(states).toEqual([true]);
  forgetSession();
});
