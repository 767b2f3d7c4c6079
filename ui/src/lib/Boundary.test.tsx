import { render, screen } from "@testing-library/react";
import type { ReactNode } from "react";
import { expect, test, vi } from "vitest";
import { Boundary } from "./Boundary";

const Failed = ({ error }: { error: unknown }) => <p>failed: {String(error)}</p>;

function Breaking(): never {
  throw new Error("broken");
}

test("what cannot be drawn is said, and another page is drawn again", () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  const at = (path: string, page: ReactNode) => (
    <Boundary at={path} Failed={Failed}>
      {page}
    </Boundary>
  );
  const { rerender } = render(at("/a", <Breaking />));
  expect(screen.getByText("failed: Error: broken")).toBeVisible();
  rerender(at("/a", "fine"));
  expect(screen.queryByText("fine")).toBeNull();
  rerender(at("/b", "fine"));
  expect(screen.getByText("fine")).toBeVisible();
});
