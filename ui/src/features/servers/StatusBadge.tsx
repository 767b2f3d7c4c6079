import {
  Ban,
  CircleCheck,
  CircleHelp,
  CircleOff,
  CirclePause,
  CircleX,
  Hourglass,
  LoaderCircle,
  Unlink,
  type LucideIcon,
} from "lucide-react";
import type { ReactNode } from "react";
import type { Server, ServerStatus } from "@/api/types";
import { classes } from "@/lib/classes";
import { Timed } from "@/ui/Timed";
import { words } from "@/words";

const changing = { icon: LoaderCircle, colour: "text-accent" };
const looks: Record<ServerStatus, { icon: LucideIcon; colour: string }> = {
  running: { icon: CircleCheck, colour: "text-good" },
  stopped: { icon: CircleOff, colour: "text-soft" },
  paused: { icon: CirclePause, colour: "text-soft" },
  provisioning: changing,
  starting: changing,
  stopping: changing,
  rebooting: changing,
  rebuilding: changing,
  resizing: changing,
  restoring: changing,
  suspended: { icon: Ban, colour: "text-warn" },
  terminating: { icon: Hourglass, colour: "text-warn" },
  terminated: { icon: CircleX, colour: "text-soft" },
  failed: { icon: CircleX, colour: "text-bad" },
  unlinked: { icon: Unlink, colour: "text-warn" },
  unknown: { icon: CircleHelp, colour: "text-warn" },
};

/** What is known when the hypervisor cannot be asked: "Running at 10:00:02". */
function lastSeen({ last_status, observed_at }: Server): ReactNode {
  if (!last_status || !observed_at) return null;
  return <Timed say={(time) => words.servers.asOf(words.status[last_status], time)} at={observed_at} as="clock" />;
}

export function StatusBadge({ server }: { server: Server }) {
  const { icon: Icon, colour } = looks[server.status];
  const seen = server.status === "unknown" ? lastSeen(server) : null;
  return (
    <span className={classes("inline-flex items-start gap-1.5 font-medium", colour)}>
      <Icon aria-hidden size={16} className={classes("mt-1 shrink-0", Icon === LoaderCircle && "animate-spin")} />
      <span>
        {words.status[server.status]}
        {seen ? <span className="block text-small font-normal text-soft">{seen}</span> : null}
      </span>
    </span>
  );
}
