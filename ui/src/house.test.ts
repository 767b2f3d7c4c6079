// @vitest-environment node
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import openapiTS, { astToString, COMMENT_HEADER } from "openapi-typescript";
import { expect, test } from "vitest";

/* Rules of this folder that a reader may rely on. */

const source = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((file) => /\.tsx?$/.test(file));
const isTest = (file: string) => /\.test\.tsx?$/.test(file) || file.startsWith("mock/");

function imports(file: string): string[] {
  const text = readFileSync(join("src", file), "utf8");
  return Array.from(text.matchAll(/(?:from|import)\s*\(?"(@\/|\.\/)([^"]+)"/g), ([, root, path]) =>
    root === "@/" ? path! : join(file, "..", path!),
  );
}

/** "features/servers/queries" → "features/servers"; "words" → "words". */
function zone(path: string): string {
  const [first = "", second = ""] = path.split("/");
  return first === "features" ? `${first}/${second}` : first;
}

function offences(from: (file: string) => boolean, wrong: (imported: string, file: string) => boolean): string[] {
  return source
    .filter((file) => !isTest(file) && from(file))
    .flatMap((file) =>
      imports(file)
        .filter((path) => wrong(zone(path), file))
        .map((path) => `${file} → ${path}`),
    );
}

test("the client is the one generated from openapi.json", async () => {
  const generated =
    COMMENT_HEADER +
    astToString(await openapiTS(new URL("../openapi.json", import.meta.url), { defaultNonNullable: false }));
  expect(readFileSync("src/api/schema.d.ts", "utf8"), "run: npm run generate").toBe(generated);
});

test("imports are read correctly", () => {
  expect(imports("features/servers/queries.ts")).toContain("api/client");
  expect(imports("features/servers/queries.ts")).toContain("features/servers/fresh");
});

test("features do not know each other", () => {
  expect(
    offences(
      (file) => file.startsWith("features/"),
      (path, file) => path.startsWith("features/") && path !== zone(file),
    ),
  ).toEqual([]);
});

test("what only looks never fetches", () => {
  expect(
    offences(
      (file) => file.startsWith("ui/"),
      (path) => !["ui", "lib", "words"].includes(path),
    ),
  ).toEqual([]);
});

test("the library floor stands on nothing", () => {
  expect(
    offences(
      (file) => file.startsWith("lib/"),
      (path) => path !== "lib",
    ),
  ).toEqual([]);
});

test("the mock is for tests and the mock server only", () => {
  expect(
    offences(
      () => true,
      (path) => path === "mock",
    ),
  ).toEqual([]);
});

test("every URL is spelled in paths.ts or in the routes", () => {
  const spelled = source
    .filter((file) => !isTest(file) && !["paths.ts", "routes.tsx"].includes(file) && !file.startsWith("api/"))
    .filter((file) => /["'`]\/(servers|login|account|admin)\b/.test(readFileSync(join("src", file), "utf8")));
  expect(spelled).toEqual([]);
});

test("no rule of the styles is tried on every element", () => {
  const dividing = source.filter((file) => /\bdivide-[xy]\b/.test(readFileSync(join("src", file), "utf8")));
  expect(dividing, "use `ruled`").toEqual([]);
});
