const count = (n: number, one: string, many: string) => `${n} ${n === 1 ? one : many}`;

interface About {
  cluster: string | null;
  node: string | null;
  mode: "observe" | "manage" | null;
  vmid: number | null;
  drift: string | null;
  minutes: number | null;
}

const place = ({ cluster, node }: About) => (node ? `${node} of ${cluster}` : (cluster ?? ""));
const guest = ({ vmid, cluster }: About) => (vmid === null ? "of a server" : `of VM ${vmid} on ${cluster}`);
const forLong = ({ minutes }: About) => `for ${count(minutes ?? 0, "minute", "minutes")}`;

/** What staff decided, each kind in one sentence. `drift` is the difference in words. */
export const decisionWords = {
  title: "What staff decided",
  empty: "Nothing was decided so far.",
  by: (name: string) => `by ${name},`,
  server: "The server",
  kinds: {
    effects_paused: () => "Changes on Proxmox paused",
    effects_resumed: () => "Changes on Proxmox go on",
    removals_let_through: (about: About) => `Many removals let through, ${forLong(about)}`,
    suspensions_let_through: (about: About) => `Many suspensions let through, ${forLong(about)}`,
    restored: () => "Restored from a backup",
    maintenance_begun: (about: About) => `Maintenance of ${place(about)} begun`,
    maintenance_ended: (about: About) => `Maintenance of ${place(about)} over`,
    cluster_mode_changed: (about: About) =>
      `${about.cluster} is ${about.mode === "observe" ? "only observed" : "managed"}`,
    leftovers_removed: (about: About) => `Removal asked for of what was left ${guest(about)}`,
    drift_adopted: (about: About, drift: string) => `Drift taken over ${guest(about)}: ${drift}`,
    drift_ignored: (about: About, drift: string) => `Drift ignored ${guest(about)}: ${drift}`,
  },
};
