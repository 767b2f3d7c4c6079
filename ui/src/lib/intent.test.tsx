import { fireEvent, render, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { onIntent } from "./intent";

test("a link of this site is prepared when the pointer or the focus is on it, until that is over", () => {
  render(
    <>
      <a href="/servers/srv_1?q=1">
        <b>inside</b>
      </a>
      <a href="https://elsewhere.example/servers">elsewhere</a>
      <a href="/docs" target="_blank" rel="noreferrer">
        another window
      </a>
      <p>no link</p>
    </>,
  );
  const prepare = vi.fn<(pathname: string) => void>();
  const stop = onIntent(prepare);
  for (const text of ["elsewhere", "another window", "no link"]) fireEvent.pointerOver(screen.getByText(text));
  expect(prepare).not.toHaveBeenCalled();
  fireEvent.pointerOver(screen.getByText("inside"));
  fireEvent.focusIn(screen.getByText("inside").closest("a")!);
  expect(prepare.mock.calls).toEqual([["/servers/srv_1"], ["/servers/srv_1"]]);
  stop();
  fireEvent.pointerOver(screen.getByText("inside"));
  expect(prepare).toHaveBeenCalledTimes(2);
});
