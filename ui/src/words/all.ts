import type { Operation, ServerStatus } from "@/api/types";
import { readable } from "./readable";
import { operationTypes, stepNames } from "./operations";

/* Every word the dashboard says. Each is exported by itself: a page fetches those that it says. */

export const status: Record<ServerStatus, string> = {
  provisioning: "Provisioning…",
  running: "Running",
  stopped: "Stopped",
  paused: "Paused",
  starting: "Starting…",
  stopping: "Stopping…",
  rebooting: "Rebooting…",
  rebuilding: "Rebuilding…",
  resizing: "Resizing…",
  restoring: "Restoring…",
  suspended: "Suspended",
  terminating: "Terminating",
  terminated: "Terminated",
  failed: "Failed",
  unlinked: "Not linked",
  unknown: "Unknown",
};

export const operationStatus: Record<Operation["status"], string> = {
  queued: "Waiting to begin",
  running: "In progress",
  succeeded: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
  needs_attention: "Our staff have to look at this",
};

export { readable };
export const product = "Hostler";
export const operationType = (type: string) => operationTypes[type] ?? readable(type);
export const step = (key: string) => stepNames[key] ?? readable(key);

/** A span of time in its two largest units. */
function seconds(n: number): string {
  if (n < 90) return `${n} s`;
  if (n < 5_400) return `${Math.floor(n / 60)} min ${n % 60} s`;
  const hours = Math.floor(n / 3_600);
  return hours < 48 ? `${hours} h ${Math.floor((n % 3_600) / 60)} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export const common = {
  retry: "Try again",
  cancel: "Cancel",
  copy: (what: string) => `Copy ${what}`,
  copied: "Copied",
  none: "–",
  loading: "Loading…",
  showMore: "Show more",
  requestId: "Request id",
  details: "Details for staff",
  skip: "Skip to the content",
  utc: (text: string) => `${text} UTC`,
  seconds,
};

export const errors = {
  unreachable: "Hostler did not answer. Check your connection, then try again.",
  unexpected: "Something went wrong in this page. Reload it to go on.",
  reload: "Reload",
  pageTitle: "This page cannot be shown",
  notFound: "There is no such page",
  notFoundHelp: "The address may be mistyped, or what it showed is gone.",
  stale: (time: string) => `This is what we knew at ${time}.`,
  retryAfter: (n: number) => `Try again in ${seconds(n)}.`,
};

export { accountWords as account } from "./account";
export { accountChoiceWords as accounts } from "./accounts";
export { memberWords as members } from "./members";
export { webhookWords as webhooks } from "./webhooks";
export { invitationWords as invitation } from "./members";
export { bulkWords as bulk } from "./bulk";
export { keyChoiceWords as keyChoice } from "./keys";
export { paletteWords as palette } from "./palette";
export { sessionWords as session } from "./session";
export { consoleWords as console } from "./console";

export const shell = {
  nav: "Main",
  servers: "Servers",
  staff: "Staff",
  account: "Account",
  offline: "Live updates are interrupted. Refreshing every 5 seconds.",
  goServers: "Go to your servers",
};

export const servers = {
  ofOneCustomer: "Of one customer only",
  views: {
    title: "Saved views",
    save: "Save this view",
    name: "Name",
    help: "Kept for you, on every machine that you sign in on.",
    saveFailed: "The view could not be saved",
    dropFailed: "The view could not be forgotten",
    nameMissing: "A name is needed.",
    keep: "Save",
    drop: (name: string) => `Forget the view ${name}`,
  },
  title: "Servers",
  create: "Create server",
  search: "Search",
  searchHint: "Name or address",
  status: "Status",
  anyStatus: "Any status",
  sort: "Sort by",
  sorts: {
    "-created_at": "Newest first",
    created_at: "Oldest first",
    name: "Name, A to Z",
    "-name": "Name, Z to A",
  },
  all: "All servers",
  columns: {
    name: "Name",
    status: "Status",
    plan: "Plan",
    image: "System",
    location: "Location",
    address: "Address",
    created: "Created",
    owner: "Owner",
    node: "Node",
    vmid: "VMID",
  },
  keys: "Keys: / searches, j and k move, Enter opens, x chooses.",
  empty: "No servers yet",
  emptyHelp: "Create the first one; it is ready in about a minute.",
  noMatch: "No server matches",
  noMatchHelp: "Nothing fits the search and the filters.",
  clear: "Clear filters",
  failed: "The servers could not be loaded",
  noAddress: "No address yet",
  changed: (name: string, text: string) => `${name}: ${text}`,
  manyChanged: (n: number) => `${n} servers changed their status`,
  asOf: (text: string, time: string) => `${text} at ${time}`,
};

export const specs = {
  cpu: (n: number) => `${n} ${n === 1 ? "core" : "cores"}`,
  ram: (text: string) => `${text} RAM`,
  disk: (gib: number) => `${gib} GiB disk`,
};

export const server = {
  lastHour: "The last hour",
  allGraphs: "All graphs",
  tabs: "Server",
  overview: "Overview",
  console: "Console",
  graphs: "Graphs",
  network: "Network",
  backups: "Backups",
  history: "History",
  settings: "Settings",
  failed: "The server could not be loaded",
  gone: "There is no such server",
  goneHelp: "It was deleted, or the address is mistyped.",
  power: "Power",
  specs: "Specifications",
  addresses: "Addresses",
  address: (family: number) => `IPv${family}`,
  gateway: (address: string) => `Gateway ${address}`,
  rdns: (name: string) => `Reverse DNS ${name}`,
  noAddresses: "It has no address yet.",
  cores: "CPU",
  memory: "RAM",
  disk: "Disk",
  image: "System",
  location: "Location",
  plan: "Plan",
  created: "Created",
  id: "Id",
  staff: "For staff",
  cluster: "Cluster",
  mode: "Mode",
  modes: { observe: "Observe: nothing is done to this guest", manage: "Manage: what is asked for is done to it" },
  lately: "Lately",
  wholeHistory: "The whole history",
  externalId: "Imported as",
  unlinked: "No virtual machine is linked to this server",
  unlinkedHelp: "Your server is in our books, but we have not connected it to a machine yet. Our staff can do that.",
  unknown: "We cannot ask the hypervisor right now",
  unknownHelp: (text: string, time: string) =>
    `Last seen: ${text}, as of ${time}. Your server is most likely not affected.`,
  unknownNever: "Your server is most likely not affected.",
  failedStatus: "This server could not be set up",
  suspended: "This server is suspended",
  suspendedSince: "Since",
  suspendedKept: "Nothing is deleted: disk, addresses, snapshots and backups stay.",
  holds: {
    non_payment: "An invoice is overdue. Once it is paid, the server runs again as before.",
    abuse: "It was reported for abuse. Please get in touch with support.",
    admin: "Staff suspended it. Please get in touch with support.",
  } as Record<string, string>,
  terminating: "This server will be deleted for good",
  purge: (time: string, left: string) => `At ${time}, in ${left}. Until then you can undo it.`,
  purgeNow: "It is being deleted now.",
  stopFirst: "It is being stopped. After that you can still undo it for a while.",
  terminated: "This server was deleted",
  terminatedHelp: "Its history stays here.",
  actionFailed: (action: string) => `“${action}” was not accepted`,
};

export const actions = {
  start: "Start",
  shutdown: "Shut down",
  reboot: "Reboot",
  stop: "Power off",
  rebuild: "Rebuild",
  resize: "Resize",
  rename: "Rename",
  reset_password: "Change password",
  snapshot: "Take snapshot",
  snapshot_restore: "Restore snapshot",
  snapshot_delete: "Delete snapshot",
  backup: "Take backup",
  backup_restore: "Restore backup",
  backup_delete: "Delete backup",
  terminate: "Terminate",
  restore: "Undo termination",
};

/** A button says this from the click until the effect is observed. */
export const acting = {
  start: "Starting…",
  shutdown: "Stopping…",
  reboot: "Rebooting…",
  stop: "Powering off…",
  rebuild: "Rebuilding…",
  resize: "Resizing…",
  rename: "Renaming…",
  reset_password: "Changing…",
  snapshot: "Taking a snapshot…",
  snapshot_restore: "Restoring…",
  snapshot_delete: "Deleting…",
  backup: "Taking a backup…",
  backup_restore: "Restoring…",
  backup_delete: "Deleting…",
  terminate: "Terminating…",
  restore: "Undoing…",
  suspend: "Suspending…",
  unsuspend: "Lifting…",
};

export const whyNot = {
  busy: (what: string) => `Wait until this is finished: ${what.toLowerCase()}.`,
  status: (text: string) => `Not possible while the status is “${text.replace("…", "")}”.`,
  running: "The server is running already.",
  stopped: "The server is stopped already.",
  unlinked: "No virtual machine is linked to this server.",
  unknown: "The hypervisor cannot be asked right now.",
  observe: "This server is in observe mode: nothing is done to its guest.",
  protected: "Delete protection is on.",
  purged: "The time to undo is over.",
  role: (role: string) => `Your role in this account (${role}) does not allow this.`,
};

export const terminate = {
  title: (name: string) => `Terminate ${name}?`,
  intro: "This stops the server now. Then:",
  consequences: (addresses: string) => [
    "All of its data is deleted, its disk included.",
    addresses ? `Its address is given up: ${addresses}.` : "Its name is free again.",
    "You can undo it until the time shown on its page; after that, nobody can.",
  ],
  confirm: (name: string) => `Type ${name} to confirm`,
  mismatch: (name: string) => `Type the name exactly: ${name}`,
};

export { operationWords as operation } from "./operations";
export { copyWords as copies } from "./copies";
export { changeWords as change } from "./changes";
export { networkWords as network } from "./changes";
export { settingsWords as settings } from "./changes";
export { graphWords as graphs } from "./graphs";
export { userDataWords as userData } from "./userData";
export { staffWords as staff } from "./staff";

export const history = {
  title: "History",
  empty: "Nothing has happened yet",
  emptyHelp: "Everything done to this server will be listed here.",
  failed: "The history could not be loaded",
  events: "What happened",
  operation: "Show the operation",
  by: (who: string) => `by ${who}`,
};

export const create = {
  title: "Create server",
  tooSmall: (image: string, gib: number) => `${image} needs a disk of at least ${gib} GiB.`,
  location: "Location",
  image: "Operating system",
  plan: "Plan",
  access: "Access",
  keysHelp: "Optional. Whoever has one of them may sign in as root.",
  password: "Root password",
  passwordHelp: "Optional. Without a key and a password you cannot sign in.",
  passwordShort: (n: number) => `Use at least ${n} characters.`,
  name: "Name",
  nameHelp: "A host name: letters, digits, hyphens and dots.",
  nameWrong: "Use letters, digits, hyphens and dots; each part begins and ends with a letter or digit.",
  labels: "Labels",
  labelsHelp: "Optional. One per line, as key: value; they help to find the server.",
  curl: "As a curl command",
  curlHelp: "Make a token under Account, API tokens.",
  curlWhat: "the command",
  submit: "Create server",
  submitting: "Creating…",
  summary: "Your choice",
  missing: (what: string) => `Still to choose: ${what}.`,
  checking: "Checking…",
  fits: "This can be created now.",
  refused: "This cannot be created",
  failed: "The server was not created",
  catalogueFailed: "The choices could not be loaded",
  noChoices: "None is offered at the moment.",
};
