import { ChevronRight, CircleAlert, Info, TriangleAlert } from "lucide-react";
import { Link } from "wouter";
import { ConfirmedAct } from "@/asking/ConfirmedAct";
import { staffActs } from "@/features/staff/queries";
import { classes } from "@/lib/classes";
import { utcTime } from "@/lib/dates";
import { words } from "@/words";
import type { Matter } from "./matters";

const staff = words.staff;
const icons = { bad: CircleAlert, warn: TriangleAlert, info: Info };
const colours = { bad: "text-bad", warn: "text-warn", info: "text-soft" };

/** What needs attention, line by line; each leads to where it is seen to. */
export function Matters({ matters }: { matters: readonly Matter[] }) {
  return (
    <ul aria-label={staff.attention} className="card ruled">
      {matters.map((matter) => (
        <Line key={matter.key} matter={matter} />
      ))}
    </ul>
  );
}

function Line({ matter: { tone, title, help, at, to, allows } }: { matter: Matter }) {
  const Icon = icons[tone];
  return (
    <li className="relative flex flex-wrap items-center gap-x-4 gap-y-3 px-5 py-3 has-[a:hover]:bg-raised">
      <Icon aria-hidden size={18} className={classes("shrink-0", colours[tone])} />
      <div
        title={at ? words.common.utc(utcTime(at)) : undefined}
        className={classes("min-w-0 flex-1 wrap-anywhere", allows && "basis-48")}
      >
        <p className="font-medium">
          {to ? (
            <Link className="after:absolute after:inset-0" to={to}>
              {title}
            </Link>
          ) : (
            title
          )}
        </p>
        {help ? <p className="text-small text-soft">{help}</p> : null}
      </div>
      {to ? <ChevronRight aria-hidden size={18} className="text-soft" /> : null}
      {allows ? <Allow {...allowing[allows]} /> : null}
    </li>
  );
}

interface Allowing {
  title: string;
  notes: readonly string[];
  run: () => Promise<unknown>;
}

const allowing: Record<NonNullable<Matter["allows"]>, Allowing> = {
  destroys: { title: staff.allowTitle, notes: staff.allowNotes, run: staffActs.allowDestroys },
  billing: { title: staff.billingAllowTitle, notes: staff.billingAllowNotes, run: staffActs.allowBilling },
};

/** What waits because there is much of it at once may go on. */
function Allow(question: Allowing) {
  return <ConfirmedAct label={staff.allow} acting={staff.allowing} danger {...question} />;
}
