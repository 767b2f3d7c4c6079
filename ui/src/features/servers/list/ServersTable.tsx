import type { ReactNode } from "react";
import { Link } from "react-router";
import type { Server } from "@/api/types";
import { paths } from "@/paths";
import { Copy } from "@/ui/Copy";
import { Progress } from "@/ui/Progress";
import { Time } from "@/ui/Time";
import { words } from "@/words";
import type { Sort } from "./filters";
import { useCurrentOperation } from "@/features/servers/queries";
import { primaryAddress, specs } from "@/features/servers/specs";
import { StatusBadge } from "@/features/servers/StatusBadge";
import { useStatusChanges } from "./useStatusChanges";

interface Column {
  key: keyof typeof words.servers.columns;
  cell: (server: Server) => ReactNode;
  mono?: boolean;
}

const columns: readonly Column[] = [
  { key: "name", cell: (server) => <Name server={server} /> },
  { key: "status", cell: (server) => <Status server={server} /> },
  { key: "plan", cell: (server) => <Plan server={server} /> },
  { key: "image", cell: (server) => server.image.name },
  { key: "location", cell: (server) => server.location.name },
  { key: "address", cell: (server) => <Address server={server} /> },
];

const staffColumns: readonly Column[] = [
  {
    key: "owner",
    cell: (server) => (
      <span className="block min-w-36 font-mono text-small wrap-anywhere">
        {server.admin?.owner ?? words.common.none}
      </span>
    ),
  },
  { key: "node", cell: (server) => server.admin?.node ?? words.common.none },
  { key: "vmid", cell: (server) => server.admin?.vmid ?? words.common.none, mono: true },
];

const created: Column = {
  key: "created",
  cell: (server) => (
    <span className="whitespace-nowrap">
      <Time at={server.created_at} as="day" />
    </span>
  ),
};

interface Props {
  servers: readonly Server[];
  sort: Sort | undefined;
  staff: boolean;
}

/**
 * A table on wide screens, cards on narrow ones. The roles are spelled out because a table that is not
 * displayed as one loses them.
 */
export function ServersTable({ servers, sort = "-created_at", staff }: Props) {
  const shown = staff ? [...columns, ...staffColumns] : [...columns, created];
  return (
    <>
      <p role="status" className="sr-only">
        {useStatusChanges(servers)}
      </p>
      <table
        role="table"
        aria-label={words.servers.title}
        className="block w-full xl:card xl:table xl:border-separate xl:border-spacing-0"
      >
        <thead role="rowgroup" className="hidden xl:table-header-group">
          <tr role="row">
            {shown.map((column) => (
              <th
                key={column.key}
                role="columnheader"
                scope="col"
                aria-sort={direction(column, sort)}
                className="border-b border-line px-3 py-2.5 text-left text-small font-medium whitespace-nowrap text-soft"
              >
                {words.servers.columns[column.key]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup" className="grid gap-3 md:grid-cols-2 xl:table-row-group">
          {servers.map((server) => (
            <Row key={server.id} server={server} columns={shown} />
          ))}
        </tbody>
      </table>
    </>
  );
}

function direction({ key }: Column, sort: Sort): "ascending" | "descending" | undefined {
  const column = sort.endsWith("name") ? "name" : "created";
  if (key !== column) return undefined;
  return sort.startsWith("-") ? "descending" : "ascending";
}

function Row({ server, columns: shown }: { server: Server; columns: readonly Column[] }) {
  return (
    <tr
      role="row"
      className="card group relative grid content-start gap-1.5 p-4 hover:bg-raised xl:table-row xl:rounded-none xl:border-0 xl:bg-transparent xl:p-0"
    >
      {shown.map(({ key, cell, mono }) => (
        <td
          key={key}
          role="cell"
          className="flex min-w-0 items-baseline justify-between gap-4 xl:table-cell xl:border-b xl:border-line xl:px-3 xl:py-3 xl:align-top xl:group-last:border-b-0"
        >
          {key === "name" || key === "status" ? null : (
            <span aria-hidden className="shrink-0 text-small text-soft xl:hidden">
              {words.servers.columns[key]}
            </span>
          )}
          <div
            className={
              mono ? "font-mono text-small" : "min-w-0 wrap-break-word max-xl:text-right max-xl:only:text-left"
            }
          >
            {cell(server)}
          </div>
        </td>
      ))}
    </tr>
  );
}

function Name({ server }: { server: Server }) {
  return (
    <Link
      to={paths.server(server.id)}
      className="block min-w-28 font-semibold xl:min-w-40 wrap-anywhere after:absolute after:inset-0 group-hover:underline"
    >
      {server.name}
    </Link>
  );
}

function Status({ server }: { server: Server }) {
  const operation = useCurrentOperation(server);
  return (
    <div className="grid min-w-28 gap-1.5">
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
      <span className="block min-w-40 text-small text-soft">{specs(server.plan)}</span>
    </>
  );
}

function Address({ server }: { server: Server }) {
  const address = primaryAddress(server);
  if (!address) return <span className="text-small text-soft">{words.servers.noAddress}</span>;
  return <Copy text={address} what={address} />;
}
