import { getResponse } from "msw";
import { MockDb } from "./db";
import { everyStatus } from "./fixtures";
import { handlers, MockSession } from "./handlers";

const TICK_MS = 1_200;

const db = new MockDb(everyStatus());
const routes = handlers(db, new MockSession());
setInterval(() => db.tick(), TICK_MS).unref();

/** The mock service's answer; 404 for a route it does not have. */
export async function answer(request: Request): Promise<Response> {
  return (await getResponse(routes, request)) ?? new Response(null, { status: 404 });
}
