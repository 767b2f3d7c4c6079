import { readable } from "./readable";

const n = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`;

const names: Record<string, string> = {
  plans: "Plans",
  users: "Users",
  accounts: "Accounts",
  servers: "Servers",
  logins: "Ways to sign in",
};

/** Why the importer leaves a row out, sets it aside or remarks on it; a reason without words is made readable. */
const reasons: Record<string, string> = {
  no_servers: "No server is sold with it",
  shares_a_plan: "Another product is mapped to the same plan",
  no_importable_service: "No service of it is imported",
  no_imported_account: "No account of it is imported",
  not_a_vps: "Not a virtual server",
  gone: "Gone from the source",
  duplicate_id: "Several rows have its id",
  id_unreadable: "Its id is no number",
  row_unreadable: "The row cannot be read",
  owner_changed: "It belongs to another client now",
  option_unmapped: "An option is not in the mapping",
  client_missing: "Its client is missing",
  product_missing: "Its product is missing",
  currency_missing: "Its currency is missing",
  amount_unreadable: "Its price cannot be read",
  billing_cycle_unknown: "Its billing cycle is unknown",
  many_vms_per_service: "Several VMs belong to it",
  foreign_panel: "Another control panel runs it",
  candidate: "Names a VM that may be adopted",
  no_vm_link: "Names no VM",
  vmid_unparsed: "Names a VM that is no number",
  vmid_contradiction: "Names several VMs",
  vmid_clash: "Another service names the same VM",
  vmid_below_100: "Names a VM below 100, which Proxmox never gives",
  address_shared: "Another service has the same address",
  server_not_mapped: "Its hypervisor is not in the mapping",
  container: "Is a container, not a VM",
  template: "Is a template, not a VM",
  missing: "Names a VM that Proxmox does not have",
  unreachable: "Its cluster did not answer",
  cluster_not_configured: "Its cluster is not configured here",
};

/** What the importer did or would do. */
export const importWords = {
  title: "Import runs",
  empty: "Nothing has been imported yet",
  emptyHelp: "Begin with a dry run of whmcs-import: it writes nothing, and its report can be opened below.",
  runOf: (source: string) => `Import of ${source}`,
  brought: (create: number, update: number) => `${create} to create, ${update} to update`,
  finished: "Finished",
  unfinished: "Not finished",
  unfinishedHelp: "It goes on, or it was stopped. What it brought stays; running the importer again brings the rest.",
  linking: (linked: number, loaded: number) => `Looking for virtual machines: ${linked} of ${loaded} parts done`,
  gone: "There is no such run",
  goneHelp: "The address may be mistyped.",
  keptHelp:
    "The log keeps numbers, ids and reasons. What was typed into the source stands in the report file of the run alone.",

  openTitle: "Read a report",
  open: "Report file",
  openHelp: "It is read in this browser and sent nowhere. A dry run writes one:",
  command: "whmcs-import --source … --dry-run --report report.json",
  unreadable: (name: string) => `${name} is no report of the importer`,
  unreadableHelp: "Choose the JSON file that whmcs-import wrote with --report.",
  reportOf: (name: string) => `Report in ${name}`,

  verdict: (create: number, update: number, dry: boolean) =>
    dry
      ? `A dry run, nothing was written: ${n(create, "row", "rows")} would be created, ${update} updated.`
      : `${n(create, "row was", "rows were")} created, ${update} updated.`,
  nothing: "Nothing to change: everything that can be imported is here already.",
  refused: (count: number) => `Refused: the mapping does not speak of ${n(count, "sold thing", "sold things")}.`,
  refusedHelp: "Map them, or list them under ignore. They are named below.",
  someQuarantined: (count: number) => `${n(count, "row is", "rows are")} set aside; the reasons are below.`,
  noneQuarantined: "No row is set aside.",

  entities: "What becomes of each row",
  entity: "Rows",
  names,
  columns: {
    seen: "Seen",
    create: "New",
    update: "Changed",
    unchanged: "Same",
    skip: "Left out",
    quarantine: "Set aside",
  },
  quarantined: "Set aside",
  quarantinedHelp: "Not imported, since it might go wrong. Mend the source or the mapping, then run again.",
  warnings: "Remarks",
  warningsHelp: "Imported, but worth a look.",
  skipped: "Left out on purpose",
  skippedHelp: "Not part of what is imported.",
  vanished: "No longer in the source",
  vanishedHelp: "Imported before. It is left here as it is.",
  unmapped: "Not in the mapping",
  unmappedHelp: "Sold with imported services, and not carried over.",
  noValue: (target: string, value?: string) => (value ? `No ${target} for “${value}”` : `No ${target} for a value`),
  onServices: (count: number, services: readonly number[]) =>
    `On ${n(count, "service", "services")}, such as ${services.join(", ")}.`,
  values: (values: readonly string[]) => `Values: ${values.join(", ")}.`,
  adoption: "Virtual machines",
  adoptionHelp: "What the source says of each service’s machine. Only after a second fact agrees is one adopted.",
  became: {
    adopted: "Adopted",
    declined: "Not adopted",
    waiting: "Not looked for yet",
    reverted: "Taken back",
  },
  show: (some: number, all: number) => (some < all ? `Show the first ${some} of ${all}` : "Show them"),
  guest: (service: string | null | undefined, cluster: string | null | undefined, vmid: number | null | undefined) =>
    [service ? `service ${service}` : null, vmid == null ? null : `VM ${[cluster, vmid].filter(Boolean).join("/")}`]
      .filter(Boolean)
      .join(", "),
  reason: (code: string) => reasons[code] ?? readable(code),
  count: (count: number, entity: string) => `${count} of ${(names[entity] ?? readable(entity)).toLowerCase()}`,
  suchAs: (detail: string) => `For example: ${detail}`,
  ids: (ids: readonly string[]) => `Ids ${ids.join(", ")}`,
  idsAndMore: (ids: readonly string[], more: number) => `Ids ${ids.join(", ")} and ${more} more`,

  origin: "Where it comes from",
  source: "Source",
  version: "WHMCS",
  read: "Read at",
  mapping: "Mapping",
  planHash: "Plan hash",
  money: "Recurring",
  asked: "Proxmox asked",
  rollback: "Take it back",
  rollbackHelp: "What nobody has touched since can be taken back; guests are let go as they are:",
  rollbackCommand: (run: string) => `whmcs-import rollback ${run}`,
};
