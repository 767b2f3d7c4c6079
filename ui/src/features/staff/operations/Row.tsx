import { Link } from "wouter";
import type { components } from "@/api/schema";
import { ReasonedAct } from "@/asking/ReasonedAct";
import { staffActs } from "@/features/staff/queries";
import { paths } from "@/paths";
import { StaffDetails } from "@/ui/StaffDetails";
import { Time } from "@/ui/Time";
import { words } from "@/words";

type StaffOperation = components["schemas"]["StaffOperation"];
type Way = StaffOperation["actions"][number];
const staff = words.staff;
const { operationsPage } = staff;

const ways: Record<Way, { label: string; acting: string; title: string; notes: string[]; danger: boolean }> = {
  retry: {
    label: staff.retry,
    acting: staff.retrying,
    title: staff.retryTitle,
    notes: staff.retryNotes,
    danger: false,
  },
  skip: {
    label: operationsPage.skip,
    acting: operationsPage.skipping,
    title: operationsPage.skipTitle,
    notes: operationsPage.skipNotes,
    danger: true,
  },
  abandon: {
    label: staff.giveUp,
    acting: staff.givingUp,
    title: staff.giveUpTitle,
    notes: staff.giveUpNotes,
    danger: true,
  },
};

interface Props {
  operation: StaffOperation;
  /** How many older ones, not shown, went wrong as it did. */
  alike?: number;
}

/** An operation: of which server, where, how far it is, why it does not go on, and the ways out. */
export function Row({ operation, alike = 0 }: Props) {
  const { id, type, status, server, error, created_at, steps, actions } = operation;
  const step = steps.find((each) => each.status !== "succeeded" && each.status !== "queued");
  const place = [server.cluster, server.node, server.vmid && `VMID ${server.vmid}`].filter(Boolean).join(" · ");
  const about = `${server.name}: ${words.operationType(type)}`;
  return (
    <li className="flex flex-wrap items-start justify-between gap-x-6 gap-y-3 px-5 py-4">
      <div className="min-w-0 flex-1 basis-72 wrap-anywhere">
        <p>
          <Link className="link" to={paths.serverOperation(server.id, id)}>
            {about}
          </Link>
        </p>
        <p>
          {operationsPage.states[status]}
          {step && status !== "succeeded" ? `, ${operationsPage.at(words.step(step.key))}` : null}
        </p>
        <p className="text-small text-soft">
          <Time at={created_at} />
          {place ? ` · ${place}` : null}
          {alike > 0 ? ` · ${operationsPage.alike(alike)}` : null}
        </p>
        {error || step?.detail ? <p>{error?.message ?? step?.detail}</p> : null}
        {error?.debug ? <StaffDetails text={error.debug} /> : null}
      </div>
      {actions.length > 0 ? (
        <div className="flex flex-wrap gap-2">
          {actions.map((way) => (
            <ReasonedAct
              key={way}
              {...ways[way]}
              about={about}
              help={operationsPage.reasonHelp}
              run={(reason) => staffActs.decide(id, way, reason)}
            />
          ))}
        </div>
      ) : null}
    </li>
  );
}
