import { LoaderCircle } from "lucide-react";
import { useId, type ButtonHTMLAttributes, type MouseEvent, type ReactNode } from "react";
import { classes } from "@/lib/classes";

type Kind = "primary" | "plain" | "danger" | "quiet";

const look: Record<Kind, string> = {
  primary: "bg-accent text-on-accent border-transparent hover:not-aria-disabled:bg-accent-strong",
  plain: "bg-surface text-ink border-edge hover:not-aria-disabled:bg-raised",
  danger: "bg-surface text-bad border-bad hover:not-aria-disabled:bg-bad hover:not-aria-disabled:text-surface",
  quiet:
    "bg-transparent text-soft border-transparent hover:not-aria-disabled:bg-raised hover:not-aria-disabled:text-ink",
};

interface Props extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "disabled"> {
  kind?: Kind;
  /** Why it cannot be pressed now. It stays reachable by keyboard, and says so. */
  reason?: string | null;
  busy?: boolean;
  /** Pressed all the same: a finger has no hover that would show the reason. */
  onRefused?: (reason: string) => void;
  icon?: ReactNode;
}

export function buttonClass(kind: Kind): string {
  return classes(
    "inline-flex min-h-11 items-center justify-center gap-2 rounded-control border px-3.5 font-medium whitespace-nowrap",
    "sm:min-h-10 aria-disabled:cursor-not-allowed aria-disabled:border-line aria-disabled:bg-raised aria-disabled:text-soft",
    look[kind],
  );
}

export function Button({
  kind = "plain",
  reason,
  busy = false,
  onRefused,
  icon,
  children,
  onClick,
  className,
  type,
  ...rest
}: Props) {
  const id = useId();
  const disabled = busy || Boolean(reason);
  const press = (event: MouseEvent<HTMLButtonElement>) => {
    if (!disabled) return onClick?.(event);
    event.preventDefault();
    if (reason) onRefused?.(reason);
  };
  return (
    <>
      <button
        {...rest}
        type={type === "submit" ? "submit" : "button"}
        aria-disabled={disabled || undefined}
        aria-describedby={reason ? id : undefined}
        title={reason ?? undefined}
        onClick={press}
        className={classes(buttonClass(kind), className)}
      >
        {busy ? <LoaderCircle aria-hidden size={16} className="animate-spin" /> : icon}
        {children}
      </button>
      {reason ? (
        <span id={id} hidden>
          {reason}
        </span>
      ) : null}
    </>
  );
}
