import { useInfiniteQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { describe } from "@/api/errors";
import type { Past } from "@/api/types";
import { staffQueries } from "@/features/staff/queries";
import { fieldTime } from "@/lib/dates";
import { useSearchParams } from "@/lib/location";
import { Button } from "@/ui/Button";
import { EmptyState } from "@/ui/EmptyState";
import { Failure } from "@/ui/Failure";
import { HistoryEntry } from "@/ui/HistoryEntry";
import { Field } from "@/ui/Field";
import { More } from "@/ui/More";
import { Skeleton } from "@/ui/Skeleton";
import { words } from "@/words";
import { Subjects } from "./Subjects";

const { past } = words.staff;
const HOUR_MS = 3_600_000;
const AGO = { hour: HOUR_MS, day: 24 * HOUR_MS, week: 7 * 24 * HOUR_MS } as const;

interface Asked {
  about: string;
  /** RFC 3339. */
  at: string;
}

/** Any server, customer or address at any time: the state then, what is different now, and what happened since. */
export function TimeMachinePage() {
  const [params, setParams] = useSearchParams();
  const about = params.get("about") ?? "";
  const given = new Date(params.get("at") ?? "");
  const at = Number.isNaN(given.getTime()) ? "" : given.toISOString();
  const go = (asked: Asked) => setParams({ ...asked });
  return (
    <>
      <Question key={`${about} ${at}`} about={about} at={at} onAsk={go} />
      {about && at ? (
        <Answer about={about} at={at} onMoment={(moment) => go({ about, at: moment })} />
      ) : (
        <EmptyState title={past.empty} help={past.emptyHelp} />
      )}
    </>
  );
}

function Question({ about, at, onAsk }: Asked & { onAsk: (asked: Asked) => void }) {
  const [typed, setTyped] = useState(about);
  const [time, setTime] = useState(() => fieldTime(at ? new Date(at) : new Date(Date.now() - HOUR_MS)));
  const ask = (when: Date) => {
    if (typed.trim() && !Number.isNaN(when.getTime())) onAsk({ about: typed.trim(), at: when.toISOString() });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    ask(new Date(time));
  };
  return (
    <form role="search" aria-label={words.staff.tabs.past} onSubmit={submit} className="grid gap-3">
      <div className="flex flex-wrap items-start gap-3 *:max-sm:w-full *:first:sm:basis-96">
        <Field
          label={past.about}
          help={past.aboutHelp}
          autoComplete="off"
          spellCheck={false}
          value={typed}
          onValueChange={setTyped}
        />
        <Field
          label={past.time}
          help={past.timeHelp}
          type="datetime-local"
          step="1"
          value={time}
          onValueChange={setTime}
        />
        <Button type="submit" kind="primary" className="sm:mt-7.5">
          {past.travel}
        </Button>
      </div>
      <div className="flex flex-wrap gap-2">
        {(["hour", "day", "week"] as const).map((span) => (
          <Button key={span} onClick={() => ask(new Date(Date.now() - AGO[span]))}>
            {past.ago[span]}
          </Button>
        ))}
      </div>
    </form>
  );
}

function Answer({ about, at, onMoment }: Asked & { onMoment: (at: string) => void }) {
  const answer = useInfiniteQuery(staffQueries.past(about, at));
  const failure = answer.error ? (
    <Failure
      title={words.staff.failed}
      {...describe(answer.error)}
      knownAt={answer.dataUpdatedAt}
      onRetry={() => void answer.refetch()}
    />
  ) : null;
  const pages = answer.data?.pages ?? [];
  const [first] = pages;
  if (!first) return failure ?? <Skeleton rows={5} label={words.common.loading} />;
  return (
    <>
      {failure}
      <Subjects past={first} />
      <Events events={pages.flatMap((page) => page.events.data)} onMoment={onMoment} />
      <More list={answer} />
    </>
  );
}

function Events({ events, onMoment }: { events: Past["events"]["data"]; onMoment: (at: string) => void }) {
  return (
    <section aria-label={past.events} className="grid gap-3">
      <h2 className="text-large font-semibold">{past.events}</h2>
      {events.length === 0 ? <p className="text-soft">{past.noEvents}</p> : null}
      <ol className="card ruled empty:hidden">
        {events.map((entry) => (
          <HistoryEntry key={entry.id} entry={entry}>
            <button type="button" className="link" onClick={() => onMoment(entry.at)}>
              {past.goThere}
            </button>
          </HistoryEntry>
        ))}
      </ol>
    </section>
  );
}
