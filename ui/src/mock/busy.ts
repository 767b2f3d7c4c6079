import type { MockDb } from "./db";
import { aServer, customer } from "./fixtures";
import { aCapacity, aCluster, aDrift, anImportRun, aPace } from "./staff";

const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
const DAY = 24 * 60;
const TIMEOUT = "TASK ERROR: VM 107 qmp command 'query-status' failed - got timeout";

/** A house in which something is wrong everywhere: what the pages of staff are looked at with. */
export function makeBusy(db: MockDb): void {
  operations(db);
  copies(db);
  clusters(db);
  differences(db);
  runs(db);
  const waiting = { waiting_since: ago(12), recent: 23 };
  db.staff.destroys = { ...db.staff.destroys, ...waiting };
  db.staff.holds = { ...db.staff.holds, ...waiting, waiting: 61 };
  db.staff.capacity = fuller();
  const addresses = { most: 60, promised: 57 };
  db.staff.pace.locations.push(
    ...aPace({ key: "par1", name: "Paris", servers: 57, grown: 9, room: 3, short_of: "addresses", addresses })
      .locations,
  );
}

function operations(db: MockDb): void {
  const failing = (name: string, type: "reboot" | "backup", message: string, waits = false) => {
    const server = aServer({ name });
    db.servers.set(server.id, server);
    const { id } = db.act(server.id, { type } as Parameters<MockDb["act"]>[1], customer);
    const error = { code: "x", message, retryable: false, debug: TIMEOUT };
    db.fail(id, error, waits ? "needs_attention" : "failed");
  };
  failing("shop.example.com", "reboot", "It did not come back within five minutes. Nothing else was changed.", true);
  failing("a-very-long-host-name.customers.example.com", "backup", "The storage for backups is full.", true);
  failing("mail.example.com", "backup", "The storage for backups is full. The server was not touched.");
  failing("db.example.com", "reboot", "The node went away meanwhile. The server runs as before.");
}

function copies(db: MockDb): void {
  const [first] = db.servers.keys();
  const take = (type: "snapshot" | "backup", name: string) => {
    db.act(first!, { type, name }, customer);
    while (!db.newestOperation().finished_at) db.tick();
  };
  for (const name of ["Before the upgrade", "nightly"]) {
    take("snapshot", name);
    take("backup", name);
  }
}

function clusters(db: MockDb): void {
  db.staff.clusters = [
    aCluster({ maintenance: [{ node: "pve2", reason: "new memory" }] }),
    aCluster({ name: "paris", reachable: false, observed_at: ago(18) }),
    aCluster({ name: "legacy", mode: "observe" }),
  ];
}

function differences(db: MockDb): void {
  const about = { name: "web-1", since: ago(90) };
  db.staff.drift = [
    aDrift(about),
    aDrift({
      ...about,
      id: "drift_power",
      kind: "power",
      detail: "It is stopped, though it should run.",
      facts: { power: "stopped" },
    }),
    aDrift({
      id: "drift_stranger",
      kind: "unknown_guest",
      server: null,
      cluster: "legacy",
      vmid: 4711,
      detail: "A virtual machine in our range belongs to no server.",
      since: ago(3 * DAY),
      actions: ["ignore"],
    }),
  ];
  db.staff.holders = [
    {
      server: "srv_1",
      name: "web-1",
      network: "fra1-v4",
      cluster: "demo",
      vmid: 101,
      account: "acc_1",
      since: ago(DAY),
      until: null,
    },
    {
      server: "srv_0",
      name: null,
      network: "fra1-v4",
      cluster: "demo",
      vmid: 99,
      account: "acc_2",
      since: ago(90 * DAY),
      until: ago(2 * DAY),
    },
  ];
}

function runs(db: MockDb): void {
  db.staff.imports = [
    anImportRun({ id: "run_2", finished_at: null, started_at: ago(4), loaded: 40, linked: 12, report: null }),
    anImportRun(),
  ];
}

function fuller(): ReturnType<typeof aCapacity> {
  const known = aCapacity();
  return {
    ...known,
    storages: [
      ...known.storages,
      { cluster: "paris", storage: "local-lvm", node: "par-a", disk: { most: 900, promised: 861 } },
    ],
    pools: [
      ...known.pools,
      { name: "par1-v4", location: "par1", network: "198.51.100.0/26", size: 60, taken: 57 },
      { name: "fra1-v6", location: "fra1", network: "2001:db8:20::/48", size: 65_536, taken: 61 },
    ],
    slots: [...known.slots, { cluster: "paris", granted: 0, waiting: 4 }],
  };
}
