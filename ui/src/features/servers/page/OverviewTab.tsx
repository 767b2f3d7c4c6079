import { useInfiniteQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { Link } from "wouter";
import type { Server, ServerStatus } from "@/api/types";
import { memory } from "@/lib/bytes";
import { Changes } from "@/features/servers/change/Changes";
import { serverQueries } from "@/features/servers/queries";
import { paths } from "@/paths";
import { Copy } from "@/ui/Copy";
import { Facts } from "@/ui/Facts";
import { Section } from "@/ui/Section";
import { Time } from "@/ui/Time";
import { words } from "@/words";
import { useServer } from "@/asking/serverPage";

const LATELY = 5;
/** There is nothing to measure then. */
const UNMEASURED: readonly ServerStatus[] = ["provisioning", "unlinked", "terminated"];

const LastHour = lazy(async () => ({ default: (await import("@/features/servers/graphs/LastHour")).LastHour }));

export function OverviewTab() {
  const server = useServer();
  return (
    <div className="grid gap-5 lg:grid-cols-2">
      <div className="grid content-start gap-5">
        <Addresses ips={server.ips} />
        {server.status === "terminated" ? null : <Changes />}
        {server.admin ? <Staff server={server} admin={server.admin} /> : null}
      </div>
      <div className="grid content-start gap-5">
        <Specifications server={server} />
        {UNMEASURED.includes(server.status) ? null : <Used server={server.id} />}
        <Lately server={server.id} />
      </div>
    </div>
  );
}

/** Has its room from the start, so that nothing moves when the measurements come. */
function Used({ server }: { server: string }) {
  return (
    <Section title={words.server.lastHour}>
      <div className="min-h-39">
        <Suspense fallback={null}>
          <LastHour server={server} />
        </Suspense>
      </div>
      <Link className="justify-self-start link" to={paths.serverGraphs(server)}>
        {words.server.allGraphs}
      </Link>
    </Section>
  );
}

/** The newest of its history, once that is read. */
function Lately({ server }: { server: string }) {
  const newest = useInfiniteQuery(serverQueries.history(server)).data?.pages[0]?.data.slice(0, LATELY);
  if (!newest?.length) return null;
  return (
    <Section title={words.server.lately}>
      <ul aria-label={words.server.lately} className="grid gap-2">
        {newest.map(({ id, at, title, actor }) => (
          <li key={id} className="flex flex-wrap justify-between gap-x-6">
            <span>
              {title} <span className="text-soft">{words.history.by(actor.label)}</span>
            </span>
            <span className="text-small text-soft">
              <Time at={at} />
            </span>
          </li>
        ))}
      </ul>
      <Link className="justify-self-start link" to={paths.serverHistory(server)}>
        {words.server.wholeHistory}
      </Link>
    </Section>
  );
}

function Addresses({ ips }: { ips: Server["ips"] }) {
  return (
    <Section title={words.server.addresses}>
      {ips.length === 0 ? <p className="text-soft">{words.server.noAddresses}</p> : null}
      {ips.map((ip) => (
        <div key={ip.address}>
          <p className="text-small text-soft">{words.server.address(ip.family)}</p>
          <Copy text={ip.address} what={ip.address} />
          <p className="text-small text-soft">
            {[`/${ip.prefix}`, ip.gateway && words.server.gateway(ip.gateway), ip.rdns && words.server.rdns(ip.rdns)]
              .filter(Boolean)
              .join(" · ")}
          </p>
        </div>
      ))}
    </Section>
  );
}

function Specifications({ server }: { server: Server }) {
  const { plan } = server;
  return (
    <Section title={words.server.specs}>
      <Facts
        facts={[
          [words.server.plan, plan.name],
          [words.server.cores, words.specs.cpu(plan.vcpus)],
          [words.server.memory, memory(plan.memory_mib)],
          [words.server.disk, `${plan.disk_gib} GiB`],
          [words.server.image, server.image.name],
          [words.server.location, server.location.name],
          [words.server.created, <Time key="created" at={server.created_at} />],
          [words.server.id, <Copy key="id" text={server.id} what={words.server.id} />],
        ]}
      />
    </Section>
  );
}

function Staff({ server, admin }: { server: Server; admin: NonNullable<Server["admin"]> }) {
  return (
    <Section title={words.server.staff}>
      <Facts
        facts={[
          [
            words.servers.columns.owner,
            <Link key="owner" className="link" to={paths.adminCustomer(admin.owner)}>
              {admin.owner}
            </Link>,
          ],
          [words.server.cluster, admin.cluster ?? words.common.none],
          [words.servers.columns.node, admin.node ?? words.common.none],
          [words.servers.columns.vmid, admin.vmid ?? words.common.none],
          [words.server.mode, words.server.modes[admin.mode]],
          [words.server.externalId, server.external_id ?? words.common.none],
        ]}
      />
    </Section>
  );
}
