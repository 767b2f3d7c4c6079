import { QueryClientProvider, type QueryClient } from "@tanstack/react-query";
import { act, render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { createQueryClient } from "@/api/queryClient";
import type { Server, User } from "@/api/types";
import { go as goTo } from "@/lib/location";
import { open, Pages } from "@/Pages";
import { MockDb } from "./db";
import { customer } from "./fixtures";
import { handlers, hint, MockSession } from "./handlers";
import { network } from "./setup";

interface Given {
  servers?: Server[];
  /** Whose refresh cookie the browser holds; null: nobody's. */
  user?: User | null;
}

let newest: QueryClient;

/** The whole dashboard at a path, over a service in memory. */
export function renderApp(path: string, { servers = [], user = customer }: Given = {}) {
  const db = new MockDb(servers);
  const session = new MockSession(user);
  document.cookie = hint(user !== null);
  network.use(...handlers(db, session));
  const client = (newest = createQueryClient(false));
  window.history.replaceState(null, "", path);
  // As draw.tsx does; a test that is over by then is not drawn into the next.
  void open(client).then((door) => {
    if (client !== newest) return;
    render(
      <QueryClientProvider client={client}>
        <Pages door={door} />
      </QueryClientProvider>,
    );
  });
  const url = () => window.location.pathname + window.location.search;
  const go = (to: string) => act(async () => goTo(to));
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
  return { db, session, client, go, url, tick, halfway, finish, user: userEvent.setup() };
}
