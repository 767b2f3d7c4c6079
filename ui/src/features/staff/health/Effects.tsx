import type { SystemHealth } from "@/api/types";
import { ConfirmedAct } from "@/asking/ConfirmedAct";
import { ReasonedAct } from "@/asking/ReasonedAct";
import { staffActs } from "@/features/staff/queries";
import { Section } from "@/ui/Section";
import { Timed } from "@/ui/Timed";
import { words } from "@/words";

const { health } = words.staff;

/** Whether anything is changed on Proxmox, and the switch for it. */
export function Effects({ effects: { paused, reason, since } }: Pick<SystemHealth, "effects">) {
  return (
    <Section title={health.effects}>
      {paused ? (
        <div>
          <p className="font-medium text-warn">
            <Timed say={health.pausedSince} at={since} />
          </p>
          {reason ? <p className="wrap-anywhere">{reason}</p> : null}
          <p className="text-soft">{health.pausedHelp}</p>
        </div>
      ) : (
        <p>{health.allowed}</p>
      )}
      {paused ? <Resume /> : <Pause />}
    </Section>
  );
}

function Pause() {
  return (
    <ReasonedAct
      label={health.pause}
      acting={health.pausing}
      title={health.pauseTitle}
      notes={health.pauseNotes}
      danger
      run={(reason) => staffActs.pause(true, reason)}
    />
  );
}

function Resume() {
  return (
    <ConfirmedAct
      label={health.resume}
      acting={health.resuming}
      title={health.resumeTitle}
      notes={health.resumeNotes}
      run={() => staffActs.pause(false, "")}
    />
  );
}
