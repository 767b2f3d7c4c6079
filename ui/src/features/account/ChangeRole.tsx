import { useState } from "react";
import type { Account, Member } from "@/api/types";
import { ConfirmedAct } from "@/asking/ConfirmedAct";
import { words } from "@/words";
import { accountChanges } from "./queries";
import { RoleChoice } from "./RoleChoice";

const said = words.members;

/** Gives a member another role. */
export function ChangeRole({ account, member, reason }: { account: Account; member: Member; reason: string | null }) {
  const [role, setRole] = useState(member.role);
  const who = member.name ?? member.email;
  return (
    <ConfirmedAct
      label={said.change}
      acting={said.changing}
      about={who}
      title={said.changeTitle(who)}
      notes={said.changeNotes}
      reason={reason}
      missing={role === member.role ? said.sameRole : null}
      run={() => accountChanges.giveRole(account.id, member.id, role)}
    >
      <RoleChoice by={account.role} value={role} onChange={setRole} />
    </ConfirmedAct>
  );
}
