import "@testing-library/jest-dom/vitest";
import { cleanup } from "@testing-library/react";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll } from "vitest";
import { forgetSession } from "@/api/session";

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
