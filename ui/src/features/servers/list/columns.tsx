import type { ReactNode } from "react";
import { Link } from "wouter";
import type { Server } from "@/api/types";
import { useCurrentOperation } from "@/features/servers/queries";
import { primaryAddress, specs } from "@/features/servers/specs";
import { StatusBadge } from "@/features/servers/StatusBadge";
import { paths } from "@/paths";
import { Copy } from "@/ui/Copy";
import { Progress } from "@/ui/Progress";
import { Time } from "@/ui/Time";
import { words } from "@/words";

export interface Column {
  key: keyof typeof words.servers.columns;
  cell: (server: Server) => ReactNode;
  /** What `sort` calls it, where the list can be ordered by it. */
  sort?: "name" | "created_at";
}

const columns: readonly Column[] = [
  { key: "name", cell: (server) => <Name server={server} />, sort: "name" },
  { key: "status", cell: (server) => <Status server={server} /> },
  { key: "plan", cell: (server) => <Plan server={server} /> },
  { key: "image", cell: (server) => server.image.name },
  { key: "location", cell: (server) => server.location.name },
  { key: "address", cell: (server) => <Address server={server} /> },
];

const small = (text: ReactNode) => <span className="font-mono text-small wrap-anywhere">{text}</span>;

/** Enough to tell owners apart; all of it on hover and in the page of the server. */
function Owner({ owner }: { owner: string | undefined }) {
  if (!owner) return words.common.none;
  return (
    <Link
      to={paths.adminCustomer(owner)}
      title={owner}
      className="relative z-10 block truncate font-mono text-small hover:underline"
    >
      {owner}
    </Link>
  );
}

const staffColumns: readonly Column[] = [
  { key: "owner", cell: ({ admin }) => <Owner owner={admin?.owner} /> },
  { key: "node", cell: ({ admin }) => admin?.node ?? words.common.none },
  { key: "vmid", cell: ({ admin }) => small(admin?.vmid ?? words.common.none) },
];

const created: Column = {
  key: "created",
  cell: (server) => <Time at={server.created_at} as="day" />,
  sort: "created_at",
};

export interface Layout {
  columns: readonly Column[];
  /** How a row divides a wide screen: the same for every row, for they are not laid out together. */
  grid: string;
}

export const layouts: Record<"own" | "all", Layout> = {
  own: {
    columns: [...columns, created],
    grid: "xl:grid xl:grid-cols-[2.75rem_1.65fr_1.2fr_1.65fr_0.8fr_0.7fr_1fr_0.9fr]",
  },
  all: {
    columns: [...columns, ...staffColumns],
    grid: "xl:grid xl:grid-cols-[2.75rem_1.65fr_1.2fr_1.35fr_0.75fr_0.75fr_1.15fr_0.8fr_0.5fr_0.65fr]",
  },
};

function Name({ server }: { server: Server }) {
  return (
    <Link
      to={paths.server(server.id)}
      className="block font-semibold wrap-anywhere group-hover:underline after:absolute after:inset-0"
    >
      {server.name}
    </Link>
  );
}

function Status({ server }: { server: Server }) {
  const operation = useCurrentOperation(server);
  return (
    <div className="grid gap-1.5">
      <StatusBadge server={server} />
      {operation ? (
        <Progress value={operation.progress} label={`${server.name}: ${words.operationType(operation.type)}`} />
      ) : null}
      {server.status === "unlinked" && server.status_reason ? (
        <span className="max-w-56 text-small text-soft">{server.status_reason}</span>
      ) : null}
    </div>
  );
}

function Plan({ server }: { server: Server }) {
  return (
    <>
      {server.plan.name}
      <span className="block text-small text-soft">{specs(server.plan)}</span>
    </>
  );
}

function Address({ server }: { server: Server }) {
  const address = primaryAddress(server);
  if (!address) return <span className="text-small text-soft">{words.servers.noAddress}</span>;
  return <Copy text={address} what={address} />;
}
