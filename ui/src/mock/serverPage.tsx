import { screen, waitFor } from "@testing-library/react";
import { expect } from "vitest";
import type { Server, User } from "@/api/types";
import { renderApp } from "./app";

/** One server's page with a tab open, and its live updates begun. */
export async function openServer(server: Server, path = "", user?: User) {
  const app = renderApp(`/servers/${server.id}${path}`, { servers: [server], ...(user ? { user } : {}) });
  await screen.findByRole("heading", { name: server.name });
  await waitFor(() => expect(app.db.listeners.size).toBe(1));
  return app;
}

export const button = (name: string | RegExp) => screen.findByRole("button", { name });
