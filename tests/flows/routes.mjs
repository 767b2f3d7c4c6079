// Every address of the dashboard, as its router has them, not as somebody remembers them.
import { createRequire } from "node:module";

const ui = new URL("../../ui/", import.meta.url).pathname;
// The router speaks of pages and of where they live, and opens none.
globalThis.window = { location: { origin: "http://nowhere" } };

/** Patterns such as `/servers/:id/history`. */
export async function patterns() {
  const { runnerImport } = await import(createRequire(`${ui}package.json`).resolve("vite"));
  const options = { configFile: false, root: ui, resolve: { alias: { "@": `${ui}src` } } };
  const { module } = await runnerImport(`${ui}src/routes.tsx`, options);
  const shown = module.routes.map(({ path }) => path).filter((path) => path !== "/");
  // What may be left out of an address is.
  return [...new Set(shown.map((path) => path.replace(/\/:[^/]+\?/g, "")))];
}
