import { act, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { Suspense, useEffect, type ReactNode } from "react";
import { Link } from "wouter";
import { beforeEach, expect, test, vi } from "vitest";
import { page } from "./lazy";
import { go, historyKey, Located, useLocation, useSearchParams, type Location, type SetParams } from "./location";

beforeEach(() => window.history.replaceState(null, "", "/a?x=1"));

const shown = () => screen.getByTestId("shown").textContent;
const given: { setParams?: SetParams } = {};
const setParams: SetParams = (...change) => given.setParams?.(...change);

function Shown() {
  const { pathname, search, hash } = useLocation();
  const [params, set] = useSearchParams();
  useEffect(() => {
    given.setParams = set;
  }, [set]);
  return (
    <>
      <p data-testid="shown">{`${pathname} ${search} ${hash} ${params.get("q") ?? ""}`}</p>
      <Link to="/b?q=100%2525#c">b</Link>
    </>
  );
}

const open = () =>
  render(
    <Located>
      <Shown />
    </Located>,
  );

test("a link changes what is shown, and what stands in the address is read as it is", async () => {
  open();
  expect(shown()).toBe("/a ?x=1  ");
  await userEvent.click(screen.getByRole("link"));
  expect(shown()).toBe("/b ?q=100%2525 #c 100%25");
});

test("of two changes at the same moment none is lost", () => {
  open();
  const also = (name: string) => (now: URLSearchParams) => {
    now.set(name, "1");
    return now;
  };
  act(() => {
    setParams(also("q"), { replace: true });
    setParams(also("y"), { replace: true });
  });
  expect(window.location.search).toBe("?x=1&q=1&y=1");
  expect(shown()).toBe("/a ?x=1&q=1&y=1  1");
});

test("a page that is being left does not change the address of the next", () => {
  open();
  const late = given.setParams!;
  act(() => go("/b"));
  act(() => late({ q: "late" }));
  expect(window.location.href).toMatch(/\/b$/);
});

test("the same address again is no new entry of the history; another is", () => {
  open();
  act(() => go("/b"));
  const { length } = window.history;
  const key = historyKey();
  act(() => go("/b"));
  act(() => go("/b?x=2", { replace: true }));
  expect(window.history).toHaveLength(length);
  expect(historyKey()).toBe(key);
  act(() => go("/c"));
  expect(window.history).toHaveLength(length + 1);
  expect(historyKey()).not.toBe(key);
});

test("what was shown stays until the code of the next page is there; it is told of at once", async () => {
  let arrive = () => {};
  const code = new Promise<{ Next: () => ReactNode }>((resolve) => {
    arrive = () => resolve({ Next: () => "next" });
  });
  const { Page } = page(() => code, "Next");
  const App = () => (useLocation().pathname === "/next" ? <Page /> : "before");
  const onGo = vi.fn<(there: Location) => void>();
  render(
    <Suspense fallback="nothing">
      <Located onGo={onGo}>
        <App />
      </Located>
    </Suspense>,
  );
  expect(onGo).not.toHaveBeenCalled();
  await act(async () => go("/next?q=1"));
  expect(onGo).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ pathname: "/next", search: "?q=1" }));
  expect(document.body).toHaveTextContent("before");
  await act(async () => arrive());
  expect(document.body).toHaveTextContent("next");
});

test("a page whose code is there is drawn at once", async () => {
  const { Page, load } = page(async () => ({ Here: () => "here" }), "Here");
  await load();
  render(<Page />);
  expect(document.body).toHaveTextContent("here");
});
