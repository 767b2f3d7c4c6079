/** What an act brings with it, point by point. */
export function Notes({ notes }: { notes: readonly string[] }) {
  return (
    <ul className="mt-2 grid list-disc gap-1 pl-5 text-soft">
      {notes.map((note) => (
        <li key={note}>{note}</li>
      ))}
    </ul>
  );
}
