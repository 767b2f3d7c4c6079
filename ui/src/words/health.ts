const count = (n: number, one: string, many: string) => `${n} ${n === 1 ? one : many}`;

/** What the page about the system itself says. */
export const healthWords = {
  effects: "Changes on Proxmox",
  allowed: "They are made as they are asked for.",
  pausedSince: (time: string) => `Nothing is changed on Proxmox, since ${time}.`,
  pausedHelp: "What is asked for meanwhile waits, and is done afterwards.",
  pause: "Pause",
  pausing: "Pausing…",
  pauseTitle: "Pause all changes on Proxmox?",
  pauseNotes: [
    "Nothing is started, stopped, created or deleted any more, within a second.",
    "Running guests stay as they are.",
  ],
  resume: "Go on",
  resuming: "Going on…",
  resumeTitle: "Make changes on Proxmox again?",
  resumeNotes: ["What waited is done now."],

  lag: (name: string) => `Read models, ${name}`,
  behind: (events: number, seconds: number) =>
    events === 0 ? "Up to date" : `${count(events, "event", "events")} behind, ${seconds.toFixed(1)} s`,
  work: "Work",
  wakes: "Servers to look at",
  wakesOf: (due: number, leased: number) => `${due} waiting for a worker, ${leased} in work`,
  failing: "Tried in vain",
  oldest: "Longest wait",
  seconds: (n: number) => `${n < 10 ? n.toFixed(1) : Math.round(n)} s`,
  operations: "Operations",
  open: (queued: number, running: number, attention: number) =>
    `${queued} queued, ${running} running, ${attention} waiting for staff`,
  pace: "Events a minute",
  paceOf: (now: number, lately: number) => `${now} in the last, ${lately.toFixed(1)} over ten`,
  letters: "Letters",
  lettersOf: (waiting: number, givenUp: number) => `${waiting} waiting, ${givenUp} given up`,

  programs: "Programs",
  here: "this machine",
  connected: (where: string, n: number) => `${where}, ${count(n, "connection", "connections")}, active`,
  missing: (name: string) => `${name} is not running`,
  missingHelp: "Nothing goes on without it. Start it, on any machine.",

  unwatched: (name: string) => `No program has ${name} in sight`,

  database: "Database",
  version: "Version",
  postgres: "PostgreSQL",
  log: "Log",
  size: "Size",
  connections: "Connections",
  ofMost: (n: number, most: number) => `${n} of ${most}`,
};
