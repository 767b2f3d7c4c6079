import "@testing-library/jest-dom/vitest";
import { cleanup, configure } from "@testing-library/react";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll } from "vitest";
import { forgetSession } from "@/api/session";

// A busy machine takes its time over the first import of a page; waiting ends as soon as the state is there.
configure({ asyncUtilTimeout: 10_000 });

export const network = setupServer();

// jsdom has no layout, hence nothing to scroll.
if (typeof window !== "undefined") window.scrollTo = () => {};

beforeAll(() => network.listen());
afterEach(() => {
  cleanup();
  forgetSession();
  network.resetHandlers();
});
afterAll(() => network.close());
