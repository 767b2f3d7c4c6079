/// <reference types="vitest/config" />
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";
import { framed } from "./src/frames/vite.ts";
import { mockApi } from "./src/mock/vite.ts";

const service = process.env["HOSTLER_URL"] ?? "http://127.0.0.1:8000";

/** Bytes; less than this fits into one packet as it is. */
const SMALL = 1_024;
const alias = { "@": new URL("./src", import.meta.url).pathname };

/** Beside each file what it is compressed, once, as well as can be: the service sends what a browser can read. */
const compressed: Plugin = {
  name: "compressed",
  apply: "build",
  writeBundle({ dir = "" }, bundle) {
    for (const name of Object.keys(bundle).filter((each) => /\.(js|css|html)$/.test(each))) {
      const data = readFileSync(join(dir, name));
      if (data.length < SMALL) continue;
      writeFileSync(join(dir, `${name}.br`), brotliCompressSync(data));
      writeFileSync(join(dir, `${name}.gz`), gzipSync(data, { level: 9 }));
    }
  },
};

/* What every page needs comes as a few files: they compress better than their parts, and are asked for at once. */
const FIRST =
  /node_modules\/react\/|src\/(api\/(session|errors)|words\.|words\/(all|accounts|readable|operations|session|palette))|preload-helper|rolldown\/runtime/;
const DRAWING = /node_modules\/(react-dom|scheduler)\//;
const EVERYWHERE = /node_modules\/(wouter|regexparam|use-sync-external-store|@tanstack\/(query-core|react-query))\//;
const OFTEN =
  /src\/(routes|Pages|Shell|RouteFailure|api\/|lib\/|ui\/(?!Dialog)|paths|features\/servers\/(queries|fresh|live|specs|StatusBadge|actions|list\/filters|palette\/PaletteButton)|features\/session\/SignOut)|openapi-fetch|lucide-react|eventsource-parser/;

export default defineConfig(({ mode }) => ({
  plugins: [react(), tailwindcss(), framed(alias), compressed, ...(mode === "mock" ? [mockApi(alias)] : [])],
  resolve: { alias },
  server: { host: "127.0.0.1", ...(mode === "mock" ? {} : { proxy: { "/v1": service } }) },
  preview: { host: "127.0.0.1" },
  build: {
    target: "es2022",
    // Those that know light-dark(): what would stand in for it knows the system's theme alone, not the chosen one.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "first", test: FIRST, priority: 2, includeDependenciesRecursively: false },
            { name: "drawing", test: DRAWING, priority: 1 },
            { name: "base", test: EVERYWHERE, priority: 1, includeDependenciesRecursively: false },
            { name: "shared", test: OFTEN, includeDependenciesRecursively: false },
          ],
        },
      },
    },
  },
  test: {
    environment: "jsdom",
    globals: true,
    setupFiles: ["./src/mock/setup.ts"],
    restoreMocks: true,
    testTimeout: 30_000,
    pool: "threads",
  },
}));
