import { act, screen, waitFor, within } from "@testing-library/react";
import { http, HttpResponse } from "msw";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { aServer } from "@/mock/fixtures";
import { button, openServer } from "@/mock/serverPage";
import { network } from "@/mock/setup";

/** The two outside parts of a console: noVNC, and the socket it speaks through. */
const { Viewer, viewers } = vi.hoisted(() => {
  const all: FakeViewer[] = [];
  class FakeViewer extends EventTarget {
    keys: [number, boolean | undefined][] = [];
    left = false;
    sendCtrlAltDel = vi.fn<() => void>();
    focus = vi.fn<() => void>();
    constructor(
      readonly target: HTMLElement,
      readonly socket: EventTarget & { url: string },
      readonly options: { credentials: { password: string } },
    ) {
      super();
      all.push(this);
    }
    sendKey(keysym: number, _code: string | null, down?: boolean) {
      this.keys.push([keysym, down]);
    }
    disconnect() {
      this.left = true;
    }
  }
  return { Viewer: FakeViewer, viewers: all };
});
vi.mock("@novnc/novnc", () => ({ default: Viewer }));

class Socket extends EventTarget {
  constructor(readonly url: string) {
    super();
  }
}

let tickets = 0;

beforeEach(() => {
  viewers.length = 0;
  tickets = 0;
  vi.stubGlobal("WebSocket", Socket);
  network.use(
    http.post("*/v1/servers/:id/console", () => {
      tickets += 1;
      const body = { url: `ws://panel/${tickets}`, password: `secret-${tickets}`, expires_at: "2026-01-01T00:00:00Z" };
      return HttpResponse.json(body, { status: 201 });
    }),
  );
});

afterEach(() => vi.unstubAllGlobals());

async function connected() {
  await waitFor(() => expect(viewers).toHaveLength(1));
  act(() => void viewers[0]!.dispatchEvent(new Event("connect")));
  return viewers[0]!;
}

test("a console is opened with its ticket, and its keys work", async () => {
  const { user } = await openServer(aServer({ status: "running" }), "/console");
  expect(await button("Ctrl + Alt + Del")).toHaveAccessibleDescription("The console is not connected.");
  const viewer = await connected();
  expect([viewer.socket.url, viewer.options.credentials.password]).toEqual(["ws://panel/1", "secret-1"]);
  expect(viewer.target).toHaveAccessibleName("Screen of the server");
  expect(await screen.findByText("Connected. What you type goes to the server.")).toBeVisible();
  await user.click(await button("Ctrl + Alt + Del"));
  expect(viewer.sendCtrlAltDel).toHaveBeenCalledOnce();
});

test("who has only a keyboard gets out of the screen", async () => {
  const { user } = await openServer(aServer({ status: "running" }), "/console");
  const { target } = await connected();
  target.tabIndex = -1; // as noVNC's own canvas
  target.focus();
  expect(target).toHaveAccessibleDescription("Ctrl + Alt + Shift lets go of the keyboard.");
  await user.keyboard("{Control>}{Alt>}{Delete}{/Alt}{/Control}{Control>}{Alt>}{Shift>}x{/Shift}{/Alt}{/Control}");
  expect(target).toHaveFocus();
  await user.keyboard("{Control>}{Alt>}{Shift>}{/Control}{/Alt}");
  expect(target).toHaveFocus();
  await user.keyboard("{/Shift}");
  const keys = await button("Ctrl + Alt + Del");
  await waitFor(() => expect(keys).toHaveFocus());
});

test("a text is typed key by key", async () => {
  const { user } = await openServer(aServer({ status: "running" }), "/console");
  const viewer = await connected();
  await user.click(await button("Type text…"));
  const dialog = await screen.findByRole("alertdialog");
  await user.type(within(dialog).getByLabelText("Text"), "iP");
  await user.click(within(dialog).getByRole("button", { name: "Type it" }));
  expect(viewer.keys).toEqual([
    [0x69, undefined],
    [0xffe1, true],
    [0x50, undefined],
    [0xffe1, false],
  ]);
});

test("why it was closed is said, and it is opened again with a new ticket", async () => {
  const { user } = await openServer(aServer({ status: "running" }), "/console");
  const viewer = await connected();
  const reason = "nobody has typed for a while";
  act(() => void viewer.socket.dispatchEvent(Object.assign(new Event("close"), { reason })));
  expect(await screen.findByRole("alert")).toHaveTextContent("The reason: nobody has typed for a while.");
  await user.click(await button("Connect again"));
  await waitFor(() => expect(viewers).toHaveLength(2));
  expect(viewers[1]!.options.credentials.password).toBe("secret-2");
  expect(viewer.left).toBe(true);
});

test("a refusal is shown with its request id, and can be tried again", async () => {
  const problem = {
    title: "No",
    detail: "Not now.",
    status: 503,
    code: "unavailable",
    request_id: "req_5",
    errors: [],
  };
  let refuse = true;
  network.use(
    http.post("*/v1/servers/:id/console", () => (refuse ? HttpResponse.json(problem, { status: 503 }) : undefined)),
  );
  const { user } = await openServer(aServer({ status: "running" }), "/console");
  expect(await screen.findByRole("alert")).toHaveTextContent("req_5");
  refuse = false;
  await user.click(await button("Try again"));
  await waitFor(() => expect(viewers).toHaveLength(1));
});

test("a server that is off has no screen", async () => {
  await openServer(aServer({ status: "stopped" }), "/console");
  expect(await screen.findByText("The server is off")).toBeVisible();
  expect(tickets).toBe(0);
});

test("leaving the tab closes the console", async () => {
  const { user } = await openServer(aServer({ status: "running" }), "/console");
  const viewer = await connected();
  await user.click(screen.getByRole("link", { name: "Overview" }));
  await waitFor(() => expect(viewer.left).toBe(true));
});
