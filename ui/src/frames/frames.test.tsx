import { expect, test } from "vitest";
import { frames } from "./frames";

const shown = () =>
  Object.entries(frames()).map(([name, html]) => {
    const page = document.createElement("div");
    page.innerHTML = html;
    return [name, page] as const;
  });

test("a frame has what everybody sees of the page", () => {
  const { login, list, inside } = Object.fromEntries(shown());
  expect(login).toHaveTextContent("Sign in");
  expect(list).toHaveTextContent("Create server");
  expect(inside).toHaveTextContent("Sign out");
});

test.each(shown())("nothing of the frame “%s” can be used before the scripts are there", (_, page) => {
  const fields = page.querySelectorAll("input, select, button");
  expect(fields.length).toBeGreaterThan(0);
  for (const field of fields) expect(field).toBeDisabled();
  expect(page.querySelector("[inert]")?.contains(page.querySelector("a, button"))).toBe(true);
});

test.each(shown())("the frame “%s” keeps to the policy: no style of an element's own", (_, page) => {
  expect(page.querySelectorAll("[style], style, script")).toHaveLength(0);
});
