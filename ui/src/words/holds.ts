/** What keeps a server from its owner. */
export const holdWords = {
  title: "Suspension",
  none: "Nothing keeps it from its owner.",
  list: "Reasons of the suspension",
  names: { non_payment: "Not paid", abuse: "Abuse", admin: "By staff" },
  told: {
    non_payment: "Its owner reads that an invoice is overdue.",
    abuse: "Its owner reads that it was reported.",
    admin: "Its owner is asked to get in touch with support.",
  },
  all: "It is suspended for every reason there is.",
  suspend: "Suspend",
  suspendTitle: (name: string) => `Suspend ${name}?`,
  suspendNotes: [
    "It is stopped at once, and its owner cannot start it.",
    "Disk, addresses, snapshots and backups stay.",
    "Each reason is lifted by itself; it runs again when none is left.",
  ],
  why: "Reason",
  note: "Note",
  noteHelp: "Kept in the log, with your name. It is forgotten with the account.",
  noted: (note: string) => `“${note}”`,
  lift: "Lift",
  liftTitle: (name: string, hold: string) => `Lift “${hold}” from ${name}?`,
  liftOneNotes: ["Another reason is left: it stays suspended."],
  liftLastNotes: ["No reason is left: its owner can use it again.", "It starts by itself if it ran before."],
};
