import { classes } from "@/lib/classes";

interface Props {
  value: number | null;
  label: string;
  /** Whether there is so little left that somebody should know. */
  full?: boolean;
}

/** A bar for 0 to 100, or a moving one where nobody can say how far it is. */
export function Progress({ value, label, full = false }: Props) {
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
        className={classes(
          "h-full rounded-full",
          full ? "bg-warn" : "bg-accent",
          value === null ? "w-1/3 animate-pulse" : "transition-[width]",
        )}
        style={value === null ? undefined : { width: `${value}%` }}
      />
    </div>
  );
}
