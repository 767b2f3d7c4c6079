import { useMutation } from "@tanstack/react-query";
import { UserCog } from "lucide-react";
import { stopActing, useActing, useUser } from "@/api/session";
import { go } from "@/lib/location";
import { paths } from "@/paths";
import { Button } from "@/ui/Button";
import { Timed } from "@/ui/Timed";
import { words } from "@/words";

const { people } = words.staff;

/** Says to staff all the while that they act as somebody else, and ends it. */
export function ActingBanner() {
  const acting = useActing();
  const user = useUser();
  const stop = useMutation({ mutationFn: stopActing });
  if (!acting || !user) return null;
  const end = () =>
    stop.mutateAsync().then(
      () => go(paths.adminUser(user.id)),
      () => undefined,
    );
  return (
    <aside aria-label={people.impersonate} className="sticky top-14 z-10 border-b-2 border-warn bg-raised">
      <div className="mx-auto flex max-w-7xl flex-wrap items-center gap-x-4 gap-y-2 px-4 py-2 sm:px-6">
        <UserCog aria-hidden size={18} className="shrink-0 text-warn" />
        <p role="status" className="min-w-0 flex-1 basis-60 font-medium wrap-anywhere">
          <Timed say={(time) => people.acting(user.email, time)} at={new Date(acting.until).toISOString()} as="clock" />
          {stop.error ? <span className="block text-bad">{people.stopFailed}</span> : null}
        </p>
        <Button busy={stop.isPending} onClick={() => void end()}>
          {stop.isPending ? people.stopping : people.stop}
        </Button>
      </div>
    </aside>
  );
}
