import { localTime, utcTime, type TimeStyle } from "@/lib/dates";
import { words } from "@/words";

/** A time where the reader is; UTC on hover. */
export function Time({ at, as = "full" }: { at: string; as?: TimeStyle }) {
  return (
    <time dateTime={at} title={words.common.utc(utcTime(at))}>
      {localTime(at, as)}
    </time>
  );
}
