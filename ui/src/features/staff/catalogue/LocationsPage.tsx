import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { staffQueries } from "@/features/staff/queries";
import { Check } from "@/ui/Check";
import { words } from "@/words";
import { ItemForm, numberOf, textOf, useTyped } from "./form";
import { shelfActs, shelfQueries, type Location } from "./queries";
import { Shelf, useRetired } from "./Shelf";

const { catalogue } = words.staff;

/** The locations: the clusters and pools behind each, and what staff make of them. */
export function LocationsPage() {
  const retired = useRetired();
  return (
    <Shelf
      kind="location"
      label={catalogue.locations}
      list={useInfiniteQuery(shelfQueries.locations(retired[0]))}
      retired={retired}
      lines={({ clusters, pools }: Location) => [`${catalogue.inClusters(clusters)} · ${catalogue.withPools(pools)}`]}
      Form={LocationForm}
    />
  );
}

function LocationForm({ item: location }: { item?: Location }) {
  const [clusters, setClusters] = useState<string[]>(location?.clusters ?? []);
  const [pools, setPools] = useState<string[]>(location?.pools ?? []);
  const typed = useTyped({ name: location?.name ?? "", position: location?.position ?? "" });
  const run = () => {
    const body = {
      name: textOf(typed, "name"),
      clusters,
      pools,
      position: numberOf(typed, "position"),
      reason: textOf(typed, "reason") || null,
    };
    return location
      ? shelfActs.changeLocation(location, body)
      : shelfActs.createLocation({ ...body, key: textOf(typed, "key") });
  };
  return (
    <ItemForm kind="location" name={location?.name} typed={typed} run={run}>
      <Clusters chosen={clusters} onChange={setClusters} />
      <Pools chosen={pools} onChange={setPools} />
    </ItemForm>
  );
}

interface Chosen {
  chosen: readonly string[];
  onChange: (names: string[]) => void;
}

const toggled = (chosen: readonly string[], name: string, on: boolean) =>
  on ? [...chosen, name] : chosen.filter((each) => each !== name);

function Clusters({ chosen, onChange }: Chosen) {
  const clusters = useQuery(staffQueries.clusters()).data?.data ?? [];
  return (
    <fieldset>
      <legend className="mb-2 font-medium">{catalogue.clusters}</legend>
      {clusters.map(({ name }) => (
        <Check
          key={name}
          label={name}
          checked={chosen.includes(name)}
          onChange={(on) => onChange(toggled(chosen, name, on))}
        />
      ))}
    </fieldset>
  );
}

function Pools({ chosen, onChange }: Chosen) {
  const pools = useQuery(staffQueries.capacity()).data?.pools;
  return (
    <fieldset>
      <legend className="mb-2 font-medium">{catalogue.pools}</legend>
      {pools?.length === 0 ? <p className="text-soft">{catalogue.noPools}</p> : null}
      {pools?.map(({ name, network, location }) => (
        <Check
          key={name}
          label={name}
          help={catalogue.poolOf(network, location)}
          checked={chosen.includes(name)}
          onChange={(on) => onChange(toggled(chosen, name, on))}
        />
      ))}
    </fieldset>
  );
}
