/// <reference types="vitest/config" />
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { mockApi } from "./src/mock/vite.ts";

const service = process.env["HOSTLER_URL"] ?? "http://127.0.0.1:8000";

const alias = { "@": new URL("./src", import.meta.url).pathname };

export default defineConfig(({ mode }) => ({
  plugins: [react(), tailwindcss(), ...(mode === "mock" ? [mockApi(alias)] : [])],
  resolve: { alias },
  server: { host: "127.0.0.1", ...(mode === "mock" ? {} : { proxy: { "/v1": service } }) },
  preview: { host: "127.0.0.1" },
  build: { target: "es2022" },
  test: {
    environment: "jsdom",
    globals: true,
    setupFiles: ["./src/mock/setup.ts"],
    restoreMocks: true,
    testTimeout: 30_000,
  },
}));
