import { act, fireEvent, render, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { go, Located } from "./location";
import { useScrollMemory } from "./scroll";

let height = 5_000;
let moves: number[] = [];

beforeEach(() => {
  sessionStorage.clear();
  window.history.replaceState(null, "", "/list");
  [height, moves] = [5_000, []];
  vi.spyOn(document.documentElement, "scrollHeight", "get").mockImplementation(() => height);
  vi.spyOn(window, "scrollTo").mockImplementation(((_: number, top: number) => {
    moves.push(top);
    scrolled(top);
  }) as typeof window.scrollTo);
});

afterEach(() => scrolled(0));

function scrolled(top: number) {
  Object.defineProperty(window, "scrollY", { value: top, configurable: true });
  fireEvent.scroll(window);
}

function Page() {
  useScrollMemory();
  return <h2 id="part">part</h2>;
}

const open = () =>
  render(
    <Located>
      <Page />
    </Located>,
  );

async function back() {
  await act(async () => {
    window.history.back();
    await new Promise((done) => window.addEventListener("popstate", done, { once: true }));
  });
}

test("another page begins at its top; who comes back finds the place, as soon as the page is long enough", async () => {
  open();
  scrolled(1_200);
  act(() => go("/page"));
  expect(moves.at(-1)).toBe(0);
  height = 300;
  moves = [];
  await back();
  expect(moves).toEqual([]);
  height = 5_000;
  await waitFor(() => expect(moves).toEqual([1_200]));
});

test("what changes behind the question mark moves nothing", () => {
  open();
  scrolled(700);
  moves = [];
  act(() => go("/list?q=1", { replace: true }));
  expect(moves).toEqual([]);
});

test("a reload finds the place", () => {
  const { unmount } = open();
  scrolled(900);
  fireEvent(window, new Event("pagehide"));
  unmount();
  scrolled(0);
  moves = [];
  open();
  expect(moves).toEqual([900]);
});

test("an address may name a part of the page", () => {
  const seen = vi.fn<() => void>();
  Element.prototype.scrollIntoView = seen;
  open();
  act(() => go("/page#part"));
  expect(seen).toHaveBeenCalledTimes(1);
});
