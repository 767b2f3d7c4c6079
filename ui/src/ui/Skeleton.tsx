import { useDelayed } from "@/lib/hooks";

/** What is coming, in outline; only shown when it takes long enough to be noticed. */
export function Skeleton({ rows, label }: { rows: number; label: string }) {
  const late = useDelayed(150);
  if (!late) return null;
  return (
    <div className="card grid gap-px overflow-hidden bg-line" aria-hidden={false}>
      <span role="status" className="sr-only">
        {label}
      </span>
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className="bg-surface p-4">
          <div
            className="h-5 animate-pulse rounded-control bg-raised"
            style={{ width: `${85 - ((row * 17) % 40)}%` }}
          />
        </div>
      ))}
    </div>
  );
}
