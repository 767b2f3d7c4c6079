// Every address of the dashboard, as its router has them, not as somebody remembers them.
import { createRequire } from "node:module";

const ui = new URL("../../ui/", import.meta.url).pathname;
// The router speaks of pages and of where they live, and opens none.
globalThis.window = { location: { origin: "http://nowhere" } };

const under = (base, path = "") => (path.startsWith("/") ? path : [base, path].filter(Boolean).join("/"));
const leaves = (routes, base = "") =>
  routes.flatMap(({ path, children }) => (children ? leaves(children, under(base, path)) : under(base, path)));

/** Patterns such as `/servers/:id/history`. */
export async function patterns() {
  const { runnerImport } = await import(createRequire(`${ui}package.json`).resolve("vite"));
  const options = { configFile: false, root: ui, resolve: { alias: { "@": `${ui}src` } } };
  const { module } = await runnerImport(`${ui}src/routes.tsx`, options);
  const shown = leaves(module.routes({})).filter((path) => path !== "/" && path !== "*");
  // What may be left out of an address is.
  return [...new Set(shown.map((path) => path.replace(/\/:[^/]+\?/g, "")))];
}
