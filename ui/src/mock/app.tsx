import { QueryClientProvider } from "@tanstack/react-query";
import { act, render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { createMemoryRouter, RouterProvider } from "react-router";
import { createQueryClient } from "@/api/queryClient";
import type { Server, User } from "@/api/types";
import { routes } from "@/routes";
import { MockDb } from "./db";
import { customer } from "./fixtures";
import { handlers, hint, MockSession } from "./handlers";
import { network } from "./setup";

interface Given {
  servers?: Server[];
  /** Whose refresh cookie the browser holds; null: nobody's. */
  user?: User | null;
}

/** The whole dashboard at a path, over a service in memory. */
export function renderApp(path: string, { servers = [], user = customer }: Given = {}) {
  const db = new MockDb(servers);
  const session = new MockSession(user);
  document.cookie = hint(user !== null);
  network.use(...handlers(db, session));
  const client = createQueryClient(false);
  const router = createMemoryRouter(routes(client), { initialEntries: [path] });
  render(
    <QueryClientProvider client={client}>
      <RouterProvider router={router} />
    </QueryClientProvider>,
  );
  const url = () => router.state.location.pathname + router.state.location.search;
  const tick = () => act(async () => db.tick());
  /** The newest operation, some steps further but not at its end: what a page must show of it. */
  const halfway = async () => {
    for (let n = 0; n < 3; n += 1) await tick();
    const operation = db.newestOperation();
    if (operation.finished_at) throw new Error(`${operation.type} has too few steps to be seen halfway`);
    return operation;
  };
  const finish = async () => {
    while (!db.newestOperation().finished_at) await tick();
  };
  return { db, session, client, router, url, tick, halfway, finish, user: userEvent.setup() };
}
