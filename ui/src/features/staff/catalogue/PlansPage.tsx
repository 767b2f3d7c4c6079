import { useInfiniteQuery } from "@tanstack/react-query";
import { words } from "@/words";
import { Count, ItemForm, numberOf, textOf, useTyped } from "./form";
import { shelfActs, shelfQueries, type Plan } from "./queries";
import { Shelf, useRetired } from "./Shelf";

const { catalogue } = words.staff;
const NEW = { vcpus: 1, memory_mib: 1024, disk_gib: 10, snapshots: 3, backups: 3 };

/** The plans: how large they are, who governs them, and what staff make of them. */
export function PlansPage() {
  const retired = useRetired();
  return (
    <Shelf
      kind="plan"
      label={catalogue.plans}
      list={useInfiniteQuery(shelfQueries.plans(retired[0]))}
      retired={retired}
      lines={({ vcpus, memory_mib, disk_gib, snapshots, backups }: Plan) => [
        `${catalogue.size(vcpus, memory_mib, disk_gib)} · ${catalogue.copies(snapshots, backups)}`,
      ]}
      Form={PlanForm}
    />
  );
}

function PlanForm({ item: plan }: { item?: Plan }) {
  const { name, vcpus, memory_mib, disk_gib, snapshots, backups, position } = plan ?? {
    ...NEW,
    name: "",
    position: "",
  };
  const typed = useTyped({ name, vcpus, memory_mib, disk_gib, snapshots, backups, position });
  const run = () => {
    const body = {
      name: textOf(typed, "name"),
      vcpus: numberOf(typed, "vcpus") ?? 0,
      memory_mib: numberOf(typed, "memory_mib") ?? 0,
      disk_gib: numberOf(typed, "disk_gib") ?? 0,
      snapshots: numberOf(typed, "snapshots") ?? 0,
      backups: numberOf(typed, "backups") ?? 0,
      position: numberOf(typed, "position"),
      reason: textOf(typed, "reason") || null,
    };
    return plan ? shelfActs.changePlan(plan, body) : shelfActs.createPlan({ ...body, key: textOf(typed, "key") });
  };
  return (
    <ItemForm kind="plan" name={plan?.name} typed={typed} run={run}>
      <div className="grid items-start gap-5 sm:grid-cols-3">
        <Count name="vcpus" typed={typed} />
        <Count name="memory_mib" typed={typed} />
        <Count name="disk_gib" typed={typed} />
      </div>
      <div className="grid items-start gap-5 sm:grid-cols-2">
        <Count name="snapshots" typed={typed} />
        <Count name="backups" typed={typed} />
      </div>
    </ItemForm>
  );
}
