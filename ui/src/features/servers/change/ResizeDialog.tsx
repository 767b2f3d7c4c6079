import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { describe } from "@/api/errors";
import type { Plan, Server } from "@/api/types";
import { ActionForm } from "@/features/servers/acting/ActionForm";
import { catalogueQueries } from "@/features/servers/queries";
import { specs } from "@/features/servers/specs";
import { Check } from "@/ui/Check";
import { Choice } from "@/ui/Choice";
import { Dialog } from "@/ui/Dialog";
import { Failure } from "@/ui/Failure";
import { Skeleton } from "@/ui/Skeleton";
import { words } from "@/words";
import type { DialogProps } from "./dialog";

const { resize } = words.change;

/** The plans there are, why some do not fit, and when the new one takes effect. */
export function ResizeDialog({ open, ...props }: DialogProps) {
  return (
    <Dialog open={open} onClose={props.onClose} title={resize.title(props.server.name)}>
      <WithPlans {...props} />
    </Dialog>
  );
}

function WithPlans(props: Omit<DialogProps, "open">) {
  const plans = useQuery(catalogueQueries.plans());
  if (plans.data) return <Resize {...props} plans={plans.data.data} />;
  if (!plans.error) return <Skeleton rows={3} label={words.common.loading} />;
  return (
    <Failure
      title={words.create.catalogueFailed}
      {...describe(plans.error)}
      knownAt={plans.dataUpdatedAt}
      onRetry={() => void plans.refetch()}
    />
  );
}

/** Why a plan cannot be chosen for this server; null when it can. */
function whyNotPlan(plan: Plan, { plan: now }: Server): string | null {
  if (plan.id === now.id) return resize.current;
  return plan.disk_gib < now.disk_gib ? resize.smallerDisk(now.disk_gib) : null;
}

function Resize({ server, plans, onClose, onAccepted }: Omit<DialogProps, "open"> & { plans: Plan[] }) {
  const [plan, setPlan] = useState("");
  const [restart, setRestart] = useState(false);
  const grows = plans.some(({ id, disk_gib }) => id === plan && disk_gib > server.plan.disk_gib);
  return (
    <ActionForm
      server={server}
      ask={{ type: "resize", plan, restart }}
      reason={plan ? null : resize.choose}
      onClose={onClose}
      onAccepted={({ operation }) => {
        onAccepted(operation);
        onClose();
      }}
    >
      {(error) => (
        <>
          <Choice
            name="plan"
            legend={resize.plan}
            empty={resize.none}
            value={plan}
            onChange={setPlan}
            error={error("/plan")}
            options={plans.map((each) => ({
              value: each.id,
              title: each.name,
              detail: specs(each),
              reason: whyNotPlan(each, server),
            }))}
          />
          {server.status === "stopped" ? null : (
            <Check label={resize.restart} help={resize.restartHelp} checked={restart} onChange={setRestart} />
          )}
          {grows ? <p className="text-small text-soft">{resize.diskStays}</p> : null}
        </>
      )}
    </ActionForm>
  );
}
