import { useQuery } from "@tanstack/react-query";
import type { SystemHealth } from "@/api/types";
import { Loaded } from "@/features/staff/Loaded";
import { staffQueries } from "@/features/staff/queries";
import { fileSize } from "@/lib/bytes";
import { Facts } from "@/ui/Facts";
import { Notice } from "@/ui/Notice";
import { Section } from "@/ui/Section";
import { Time } from "@/ui/Time";
import { words } from "@/words";
import { Decisions } from "./Decisions";
import { Effects } from "./Effects";
import { PROGRAMS } from "./programs";

const { health } = words.staff;

/** How the system itself goes: whether it acts, how far behind it is, and what of it is running. */
export function HealthPage() {
  const state = useQuery(staffQueries.health());
  return (
    <Loaded query={state}>
      {(now) => (
        <div className="grid gap-5">
          <Missing health={now} />
          <div className="packed">
            <Effects effects={now.effects} />
            <Work health={now} />
            <Programs programs={now.programs} />
            <Database health={now} />
            <Decisions />
          </div>
        </div>
      )}
    </Loaded>
  );
}

function Missing({ health: { programs, clusters } }: { health: SystemHealth }) {
  const away = PROGRAMS.filter((name) => !programs.some((program) => program.name === name));
  const unwatched = clusters.filter(({ watched }) => !watched);
  return (
    <>
      {away.map((name) => (
        <Notice key={name} tone="bad" title={health.missing(name)}>
          {health.missingHelp}
        </Notice>
      ))}
      {unwatched.map(({ name, error }) => (
        <Notice key={name} tone="bad" title={health.unwatched(name)}>
          {error}
        </Notice>
      ))}
    </>
  );
}

function Work({ health: { projections, wakes, operations, events_per_minute, letters } }: { health: SystemHealth }) {
  return (
    <Section title={health.work}>
      <Facts
        facts={[
          ...projections.map(
            ({ name, events, seconds }) => [health.lag(name), health.behind(events, seconds)] as const,
          ),
          [health.wakes, health.wakesOf(wakes.due, wakes.leased)],
          [health.failing, wakes.failing],
          [health.oldest, health.seconds(wakes.oldest_due_seconds)],
          [health.operations, health.open(operations.queued, operations.running, operations.needs_attention)],
          [health.pace, health.paceOf(events_per_minute.last_minute, events_per_minute.ten_minutes)],
          [health.letters, health.lettersOf(letters.waiting, letters.given_up)],
        ]}
      />
    </Section>
  );
}

function Programs({ programs }: Pick<SystemHealth, "programs">) {
  return (
    <Section title={health.programs}>
      <ul aria-label={health.programs} className="grid gap-2">
        {programs.map(({ name, address, connections, last_active_at }) => (
          <li key={`${name} ${address}`}>
            <span className="font-medium">{name}</span>{" "}
            <span className="text-soft">
              {health.connected(address ?? health.here, connections)} <Time at={last_active_at} as="clock" />
            </span>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Database({ health: { database, version, log_id } }: { health: SystemHealth }) {
  return (
    <Section title={health.database}>
      <Facts
        facts={[
          [health.version, version],
          [health.postgres, database.version],
          [health.log, log_id],
          [health.size, fileSize(database.size_bytes)],
          [health.connections, health.ofMost(database.connections, database.max_connections)],
        ]}
      />
    </Section>
  );
}
