import type { TimeStyle } from "@/lib/dates";
import { Time } from "./Time";

interface Props {
  /** The sentence about a time that is given to it as text. */
  say: (time: string) => string;
  at: string;
  as?: TimeStyle;
}

/** A sentence in which a time stands as any other does: where the reader is, UTC on hover. */
export function Timed({ say, at, as = "full" }: Props) {
  const [before, after] = say("|").split("|");
  return (
    <>
      {before}
      <Time at={at} as={as} />
      {after}
    </>
  );
}
