import { Timed } from "./Timed";

/** Where a time stands in a note. */
export const TIME = "|";

/** What an act brings with it, point by point; `at` is the time of those notes that have one. */
export function Notes({ notes, at }: { notes: readonly string[]; at?: string | undefined }) {
  return (
    <ul className="mt-2 grid list-disc gap-1 pl-5 text-soft">
      {notes.map((note) => (
        <li key={note}>
          {at && note.includes(TIME) ? <Timed say={(time) => note.replace(TIME, time)} at={at} /> : note}
        </li>
      ))}
    </ul>
  );
}
