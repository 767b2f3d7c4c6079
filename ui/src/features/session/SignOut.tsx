import { useMutation, useQueryClient } from "@tanstack/react-query";
import { LogOut } from "lucide-react";
import { signOut, useUser } from "@/api/session";
import { Button } from "@/ui/Button";
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
      <span className="hidden min-w-0 truncate text-small text-soft sm:block">{user?.email}</span>
      <Button
        kind="quiet"
        icon={<LogOut aria-hidden size={16} />}
        busy={leave.isPending}
        onClick={() => leave.mutate()}
      >
        {words.session.signOut}
      </Button>
    </div>
  );
}
