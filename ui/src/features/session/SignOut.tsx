import { useMutation, useQueryClient } from "@tanstack/react-query";
import { CircleUser, LogOut } from "lucide-react";
import { signOut, useUser } from "@/api/session";
import { paths } from "@/paths";
import { Button } from "@/ui/Button";
import { NavLink } from "@/ui/NavLink";
import { words } from "@/words";

export function SignOut() {
  const client = useQueryClient();
  const user = useUser();
  const leave = useMutation({ mutationFn: signOut, onSuccess: () => client.clear() });
  return (
    <div className="-mr-3.5 flex min-w-0 items-center gap-2">
      {leave.isError ? (
        <span role="alert" className="text-small text-bad">
          {words.session.signOutFailed}
        </span>
      ) : null}
      <NavLink
        to={paths.account()}
        className="inline-flex min-h-11 min-w-0 items-center gap-2 text-small text-soft hover:text-ink aria-[current=page]:text-ink"
      >
        <CircleUser aria-hidden size={16} className="shrink-0 sm:hidden" />
        <span className="sr-only">{words.shell.account}: </span>
        <span className="min-w-0 truncate max-sm:sr-only">{user?.email}</span>
      </NavLink>
      <Button
        kind="quiet"
        icon={<LogOut aria-hidden size={16} />}
        busy={leave.isPending}
        onClick={() => leave.mutate()}
      >
        <span className="max-[24rem]:sr-only">{words.session.signOut}</span>
      </Button>
    </div>
  );
}
