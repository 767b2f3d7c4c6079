import type { ReactNode } from "react";
import { Link } from "wouter";
import { StaffDetails } from "./StaffDetails";
import { Time } from "./Time";
import { words } from "@/words";

interface Happened {
  at: string;
  actor: { label: string };
  title: string;
  detail: string | null;
  operation_id: string | null;
  request_id: string | null;
  admin?: object | null;
}

interface Props {
  entry: Happened;
  /** Where an operation is shown, of the server that the entry is about; without it none is linked. */
  operation?: (id: string) => string;
  /** What else can be done with it. */
  children?: ReactNode;
}

/** One thing that happened: when, what, by whom, and for staff why. */
export function HistoryEntry({ entry, operation, children }: Props) {
  return (
    <li className="grid gap-x-6 gap-y-1 px-5 py-4 sm:grid-cols-[11rem_1fr]">
      <p className="text-small text-soft sm:pt-0.5">
        <Time at={entry.at} />
      </p>
      <div className="min-w-0 wrap-anywhere">
        <p>
          <span className="font-medium">{entry.title}</span>{" "}
          <span className="text-soft">{words.history.by(entry.actor.label)}</span>
        </p>
        {entry.detail ? <p className="text-soft">{entry.detail}</p> : null}
        <p className="flex flex-wrap gap-x-4 text-small text-soft">
          {entry.operation_id && operation ? (
            <Link className="link" to={operation(entry.operation_id)}>
              {words.history.operation}
            </Link>
          ) : null}
          {children}
          {entry.request_id ? (
            <span>
              {words.common.requestId}: <span className="font-mono">{entry.request_id}</span>
            </span>
          ) : null}
        </p>
        {entry.admin && Object.keys(entry.admin).length > 0 ? (
          <StaffDetails text={JSON.stringify(entry.admin, null, 2)} />
        ) : null}
      </div>
    </li>
  );
}
