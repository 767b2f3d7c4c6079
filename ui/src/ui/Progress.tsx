/** A bar for 0 to 100, or a moving one where nobody can say how far it is. */
export function Progress({ value, label }: { value: number | null; label: string }) {
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={value ?? undefined}
      className="h-1.5 w-full overflow-hidden rounded-full bg-raised"
    >
      <div
        className={
          value === null
            ? "h-full w-1/3 animate-pulse rounded-full bg-accent"
            : "h-full rounded-full bg-accent transition-[width]"
        }
        style={value === null ? undefined : { width: `${value}%` }}
      />
    </div>
  );
}
