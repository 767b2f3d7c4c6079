import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import type { Drift } from "@/api/types";
import { paths } from "@/paths";
import { Check } from "@/ui/Check";
import { EmptyState } from "@/ui/EmptyState";
import { More } from "@/ui/More";
import { StaffDetails } from "@/ui/StaffDetails";
import { Time } from "@/ui/Time";
import { words } from "@/words";
import { ConfirmedAct } from "@/asking/ConfirmedAct";
import { useSearchParams } from "@/lib/location";
import { Loaded } from "./Loaded";
import { staffActs, staffQueries } from "./queries";

const staff = words.staff;

const acts = {
  adopt: { label: staff.adopt, acting: staff.adopting, title: staff.adoptTitle, notes: staff.adoptNotes },
  repair: { label: staff.repair, acting: staff.repairing, title: staff.repairTitle, notes: staff.repairNotes },
  ignore: { label: staff.ignore, acting: staff.ignoring, title: staff.ignoreTitle, notes: staff.ignoreNotes },
};

const removal = {
  label: staff.removeVolumes,
  acting: staff.removingVolumes,
  title: staff.removeVolumesTitle,
  notes: staff.removeVolumesNotes,
};

/** Where the record and the hypervisor differ, and what can be made of each difference. */
export function DriftPage() {
  const [params, setParams] = useSearchParams();
  const ignored = params.get("ignored") === "true";
  const drift = useInfiniteQuery(staffQueries.drift(ignored));
  return (
    <>
      <Check
        label={staff.showIgnored}
        checked={ignored}
        onChange={(on) => setParams(on ? { ignored: "true" } : {}, { replace: true })}
      />
      <Loaded query={drift}>{({ pages }) => <Differences found={pages.flatMap((page) => page.data)} />}</Loaded>
      <More list={drift} />
    </>
  );
}

function Differences({ found }: { found: readonly Drift[] }) {
  if (found.length === 0) return <EmptyState title={staff.noDrift} help={staff.noDriftHelp} />;
  return (
    <ul aria-label={staff.drift} className="card ruled">
      {found.map((one) => (
        <Row key={one.id} drift={one} />
      ))}
    </ul>
  );
}

function Row({ drift }: { drift: Drift }) {
  const { id, kind, server, name, cluster, vmid, detail, facts, since, actions, ignored } = drift;
  return (
    <li className="flex flex-wrap items-start justify-between gap-x-6 gap-y-3 px-5 py-4">
      <div className="min-w-0 flex-1 basis-72 wrap-anywhere">
        <p className="font-medium">{detail}</p>
        <p className="text-small text-soft">
          {server ? (
            <>
              <Link className="link" to={paths.server(server)}>
                {name ?? staff.server}
              </Link>
              {" · "}
            </>
          ) : null}
          {[staff.driftKind(kind), cluster, vmid && `VMID ${vmid}`].filter(Boolean).join(" · ")} · {staff.since}{" "}
          <Time at={since} />
          {ignored ? ` · ${staff.ignored}` : null}
        </p>
        {Object.keys(facts).length > 0 ? <StaffDetails text={JSON.stringify(facts, null, 2)} /> : null}
      </div>
      <div className="flex flex-wrap gap-2">
        {actions.map((action) => (
          <ConfirmedAct
            key={action}
            {...(kind === "leftover" && action === "repair" ? removal : acts[action])}
            about={name ? `${name}: ${detail}` : detail}
            danger={action === "repair"}
            run={() => staffActs.settle(id, action)}
          />
        ))}
      </div>
    </li>
  );
}
