const about = (days: number): string => {
  if (days < 60) return `about ${days} ${days === 1 ? "day" : "days"}`;
  if (days < 730) return `about ${Math.round(days / 30)} months`;
  return "years";
};
const signed = (n: number) => (n > 0 ? `+${n}` : `${n}`.replace("-", "−"));

/** What the first page of staff says of how everything goes. */
export const overviewWords = {
  all: "All of them",
  paused: "Changes on Proxmox are paused",
  behind: (seconds: number) => `What is shown is ${Math.round(seconds)} s behind`,
  letters: (n: number) => `${n} ${n === 1 ? "letter was" : "letters were"} given up this week`,
  webhook: (url: string) => `The webhook ${url} takes nothing`,
  webhookSince: (time: string) => `Since ${time}.`,
  importOpen: (source: string, since: string) => `The import of ${source} begun ${since} has not ended`,
  full: (place: string) => `${place} has no room for another server`,
  soonFull: (place: string, room: number) =>
    `${place} has room for about ${room} more ${room === 1 ? "server" : "servers"}`,

  lately: "The last 24 hours",
  what: "What",
  creates: "Servers ordered",
  begun: "Operations",
  failed: "Failed or waiting for staff",
  thisHour: "This hour",
  lastHour: "Hour before",
  day: "24 hours",
  hour: (time: string, begun: number, failed: number) => `${time}: ${begun} begun, ${failed} failed`,

  room: "Room for servers",
  noLocations: "No location is offered.",
  capacity: "How full everything is",
  servers: (n: number, grown: number) => `${n} ${n === 1 ? "server" : "servers"}, ${signed(grown)} in 30 days`,
  taken: (place: string) => `Taken in ${place}, of what is over first`,
  roomFor: (room: number, days: number | null) =>
    days === null || room === 0
      ? `Room for about ${room} more.`
      : `Room for about ${room} more: ${about(days)}, at the pace of the last 30 days.`,
  roomUnknown: "How many fit is known once there is a first server.",
  shortOf: {
    memory: "Memory is over first.",
    disk: "Disk is over first.",
    addresses: "Addresses are over first.",
  },
};
