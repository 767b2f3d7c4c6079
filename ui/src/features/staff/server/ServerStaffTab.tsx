import { Link } from "wouter";
import { useUser } from "@/api/session";
import { useServerContext } from "@/asking/serverPage";
import { paths } from "@/paths";
import { EmptyState } from "@/ui/EmptyState";
import { words } from "@/words";
import { Holds } from "./Holds";
import { StaffNotes } from "@/features/staff/people/StaffNotes";
import { ModeSwitch } from "./ModeSwitch";

/** What only staff does to a server: keep it from its owner, and say whether anything is done to its guest. */
export function ServerStaffTab() {
  const given = useServerContext();
  if (useUser()?.role !== "admin") return <EmptyState title={words.staff.notStaff} help={words.staff.notStaffHelp} />;
  return (
    <div className="grid items-start gap-5 lg:grid-cols-2">
      <Holds {...given} />
      <ModeSwitch server={given.server} />
      <StaffNotes account={given.server.account} server={given.server.id} />
      <p>
        <Link className="link" to={paths.adminPast(given.server.id)}>
          {words.staff.past.open}
        </Link>
      </p>
    </div>
  );
}
