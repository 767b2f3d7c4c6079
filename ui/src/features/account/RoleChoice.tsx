import type { MemberRole } from "@/api/types";
import { Choice } from "@/ui/Choice";
import { words } from "@/words";

const said = words.members;
const ROLES = ["owner", "admin", "operator", "billing", "viewer"] as const;

interface Props {
  /** The role of who chooses: only owners make owners. */
  by: MemberRole | null;
  value: MemberRole;
  onChange: (role: MemberRole) => void;
}

/** What somebody may do for an account. */
export function RoleChoice({ by, value, onChange }: Props) {
  const options = ROLES.map((role) => ({
    value: role,
    title: said.roles[role].name,
    detail: said.roles[role].may,
    reason: role === "owner" && by !== "owner" ? said.ownersOnly : null,
  }));
  return (
    <Choice
      legend={said.role}
      name="role"
      options={options}
      value={value}
      onChange={(role) => onChange(role as MemberRole)}
      empty=""
    />
  );
}
