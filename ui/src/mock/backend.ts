import { getResponse } from "msw";
import { AT } from "./account";
import { makeBusy } from "./busy";
import { MockDb } from "./db";
import { aServer, everyStatus } from "./fixtures";
import { aMember, anAccount } from "./people";
import { handlers, MockSession } from "./handlers";

const TICK_MS = 1_200;

/** HOSTLER_MOCK_SERVERS: how many more than one of each status there are, for looking at long lists. */
const more = Array.from({ length: Number(process.env["HOSTLER_MOCK_SERVERS"] ?? 0) }, () => aServer());

const db = new MockDb([...everyStatus(), ...more]);
db.people.accounts[0]!.members.push(aMember({ id: "usr_5", email: "bob@example.com", name: "Bob", role: "viewer" }));
db.people.accounts.push(anAccount({ id: "acc_2", name: "The other shop", role: "operator" }));
db.people.invite(db.people.accounts[0]!);
const told = db.webhooks.add("acc_1", { description: "Billing", failing_since: AT, waiting: 4 });
for (const type of ["server.created", "operation.created", "operation.succeeded", "server.ready"])
  db.webhooks.send(told, { type });
db.webhooks.taking = false;
db.webhooks.send(told);
db.webhooks.taking = true;
db.webhooks.add("acc_1", {
  url: "https://chat.example.com/hostler",
  enabled: false,
  disabled_reason: "It answered 410 Gone.",
});
db.webhooks.add("", { url: "https://noc.example.com/hostler", description: "Operations room" });
makeBusy(db);
const routes = handlers(db, new MockSession());
setInterval(() => db.tick(), TICK_MS).unref();

/** The mock service's answer; 404 for a route it does not have. */
export async function answer(request: Request): Promise<Response> {
  return (await getResponse(routes, request)) ?? new Response(null, { status: 404 });
}
