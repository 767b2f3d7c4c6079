import type { Server } from "@/api/types";
import { ConfirmedAct } from "@/asking/ConfirmedAct";
import { staffActs, type Mode } from "@/features/staff/queries";
import { Section } from "@/ui/Section";
import { words } from "@/words";

const staff = words.staff;

/** Whether anything is done to the guest of a server, and the switch. */
export function ModeSwitch({ server }: { server: Server }) {
  const mode: Mode = server.admin?.mode ?? "manage";
  const other: Mode = mode === "observe" ? "manage" : "observe";
  return (
    <Section title={staff.mode}>
      <p role="status" className="text-soft">
        {words.server.modes[mode]}
      </p>
      <ConfirmedAct
        label={staff.serverMode[other]}
        acting={staff.switching}
        title={staff.serverModeTitle(server.name, other)}
        notes={staff.serverModeNotes[other]}
        reason={server.status === "terminated" ? words.whyNot.status(words.status.terminated) : null}
        danger={other === "manage"}
        run={() => staffActs.switchServer(server.id, other)}
      />
    </Section>
  );
}
