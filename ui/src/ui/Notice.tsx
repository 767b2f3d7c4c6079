import { CircleAlert, CircleCheck, Info, TriangleAlert, type LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { classes } from "@/lib/classes";

type Tone = "info" | "good" | "warn" | "bad";

const icons: Record<Tone, LucideIcon> = { info: Info, good: CircleCheck, warn: TriangleAlert, bad: CircleAlert };
const colours: Record<Tone, string> = { info: "text-soft", good: "text-good", warn: "text-warn", bad: "text-bad" };

interface Props {
  tone: Tone;
  title: ReactNode;
  children?: ReactNode;
  action?: ReactNode;
  /** Read it out as soon as it appears. */
  urgent?: boolean;
}

export function Notice({ tone, title, children, action, urgent = false }: Props) {
  const Icon = icons[tone];
  return (
    <div role={urgent ? "alert" : undefined} className="card flex flex-wrap items-start gap-x-4 gap-y-3 p-4">
      <Icon aria-hidden size={20} className={classes("mt-0.5 shrink-0", colours[tone])} />
      <div className="min-w-0 flex-1 basis-48">
        <p className="font-medium">{title}</p>
        {children ? <div className="text-soft wrap-anywhere">{children}</div> : null}
      </div>
      {action}
    </div>
  );
}
