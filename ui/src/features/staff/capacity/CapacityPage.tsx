import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { components } from "@/api/schema";
import { Loaded } from "@/features/staff/Loaded";
import { staffQueries } from "@/features/staff/queries";
import { Progress } from "@/ui/Progress";
import { Section } from "@/ui/Section";
import { words } from "@/words";

type Capacity = components["schemas"]["Capacity"];
type Amount = components["schemas"]["Amount"];
const { capacity } = words.staff;

/** What is promised of every node, storage and pool, and how much there is. */
export function CapacityPage() {
  return (
    <Loaded query={useQuery(staffQueries.capacity())}>
      {(now) => (
        <div className="packed">
          <Nodes nodes={now.nodes} />
          <Storages storages={now.storages} />
          <Pools pools={now.pools} />
          <Slots slots={now.slots} />
        </div>
      )}
    </Loaded>
  );
}

function Nodes({ nodes }: Pick<Capacity, "nodes">) {
  return (
    <Part title={capacity.nodes} empty={capacity.noNodes} full={nodes.length > 0}>
      {nodes.map(({ cluster, node, memory, cores }) => (
        <li key={`${cluster}/${node}`} className="grid gap-2">
          <p className="font-medium">{capacity.onNode(cluster, node)}</p>
          <Bar of={node} label={capacity.memory} amount={memory} say={capacity.memoryOf} />
          {cores ? (
            <Bar of={node} label={capacity.cores} amount={cores} say={capacity.countOf} />
          ) : (
            <p className="text-small text-soft">{capacity.coresUnseen}</p>
          )}
        </li>
      ))}
    </Part>
  );
}

function Storages({ storages }: Pick<Capacity, "storages">) {
  return (
    <Part title={capacity.storages} empty={capacity.noStorages} full={storages.length > 0}>
      {storages.map(({ cluster, storage, node, disk }) => (
        <li key={`${cluster}/${storage}/${node}`}>
          <Bar
            of={node ? capacity.onNode(cluster, node) : capacity.shared(cluster)}
            label={storage}
            amount={disk}
            say={capacity.diskOf}
            told
          />
        </li>
      ))}
    </Part>
  );
}

function Pools({ pools }: Pick<Capacity, "pools">) {
  return (
    <Part title={capacity.pools} empty={capacity.noPools} full={pools.length > 0}>
      {pools.map(({ name, network, location, size, taken }) => (
        <li key={name}>
          <Bar
            of={capacity.poolOf(network, location)}
            label={name}
            amount={{ most: size, promised: taken }}
            say={capacity.taken}
            told
          />
        </li>
      ))}
    </Part>
  );
}

function Slots({ slots }: Pick<Capacity, "slots">) {
  return (
    <Part title={capacity.slots} empty={capacity.noSlots} full={slots.length > 0}>
      {slots.map(({ cluster, granted, waiting }) => (
        <li key={cluster} className="flex flex-wrap justify-between gap-x-4">
          <span className="font-medium">{cluster}</span>
          <span className="text-soft">{capacity.slotsOf(granted, waiting)}</span>
        </li>
      ))}
    </Part>
  );
}

interface PartProps {
  title: string;
  empty: string;
  full: boolean;
  children: ReactNode;
}

function Part({ title, empty, full, children }: PartProps) {
  return (
    <Section title={title}>
      {full ? (
        <ul aria-label={title} className="grid gap-4">
          {children}
        </ul>
      ) : (
        <p className="text-soft">{empty}</p>
      )}
    </Section>
  );
}

interface BarProps {
  of: string;
  label: string;
  amount: Amount;
  say: (promised: number, most: number) => string;
  /** Whether what it is of stands below it; otherwise it stands above already. */
  told?: boolean;
}

function Bar({ of, label, amount: { promised, most }, say, told = false }: BarProps) {
  const share = most > 0 ? Math.min(100, Math.round((promised / most) * 100)) : 100;
  return (
    <div className="grid gap-1">
      <p className="flex flex-wrap justify-between gap-x-4">
        <span className={told ? "font-medium" : undefined}>{label}</span>
        <span className="text-soft tabular-nums">{say(promised, most)}</span>
      </p>
      <Progress value={share} label={`${label}, ${of}`} full={share >= 90} />
      {told ? <p className="text-small text-soft">{of}</p> : null}
      {promised > most ? <p className="text-small text-warn">{capacity.over}</p> : null}
    </div>
  );
}
