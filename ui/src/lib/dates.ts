/** Formats take milliseconds to make: each is made when it is first wanted. */
function format(options: Intl.DateTimeFormatOptions): (time: Date) => string {
  let made: Intl.DateTimeFormat | undefined;
  return (time) => (made ??= new Intl.DateTimeFormat(undefined, options)).format(time);
}

const clock = format({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = format({ dateStyle: "medium" });
const dayAndClock = format({ dateStyle: "medium", timeStyle: "short" });
const utc = format({ dateStyle: "medium", timeStyle: "medium", timeZone: "UTC" });

export type TimeStyle = "clock" | "day" | "full";
const styles = { clock, day, full: dayAndClock };

/** An RFC 3339 time as local text; by the clock alone only on the day that it is. */
export function localTime(iso: string, style: TimeStyle = "full"): string {
  const time = new Date(iso);
  const today = style !== "clock" || time.toDateString() === new Date().toDateString();
  return (today ? styles[style] : dayAndClock)(time);
}

export function utcTime(iso: string): string {
  return utc(new Date(iso));
}

/** A time as a field of type `datetime-local` wants it: local, to the second. */
export function fieldTime(time: Date): string {
  const local = new Date(time.getTime() - time.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19);
}

/** Seconds that something took, between two RFC 3339 times: to a tenth while there are few of them. */
export function secondsTaken(from: string, to: string): number {
  const seconds = Math.max(0, (new Date(to).getTime() - new Date(from).getTime()) / 1000);
  return seconds < 10 ? Math.round(seconds * 10) / 10 : Math.round(seconds);
}

/** Whole seconds between two RFC 3339 times or clock readings (ms), never below zero. */
export function secondsBetween(from: string | number, to: string | number): number {
  return Math.max(0, Math.round((new Date(to).getTime() - new Date(from).getTime()) / 1000));
}

/** Seconds since `from`, until `to` or else `now`: a clock that runs shows whole ones, what is done says it exactly. */
export function elapsed(from: string, to: string | null | undefined, now: number): number {
  return to ? secondsTaken(from, to) : secondsBetween(from, now);
}
