import { useId, type ComponentProps, type ReactNode, type Ref } from "react";

interface Props extends Omit<ComponentProps<"input">, "className" | "id" | "ref" | "onChange"> {
  label: ReactNode;
  help?: ReactNode;
  error?: string | null | undefined;
  /** A tall field of several lines. */
  lines?: number;
  mono?: boolean;
  ref?: Ref<HTMLInputElement>;
  onValueChange?: (value: string) => void;
}

/** A labelled text field; its help and its error are read out with it. */
export function Field({ label, help, error, lines, mono = false, onValueChange, ...rest }: Props) {
  const id = useId();
  const about = [error && `${id}-error`, help && `${id}-help`].filter(Boolean).join(" ");
  const control = {
    ...rest,
    id,
    className: mono ? "control font-mono text-small" : "control",
    "aria-invalid": error ? true : undefined,
    "aria-describedby": about || undefined,
    onChange: (event: { target: { value: string } }) => onValueChange?.(event.target.value),
  };
  return (
    <div className="grid gap-1.5">
      <label htmlFor={id} className="font-medium">
        {label}
      </label>
      {lines ? <textarea {...(control as ComponentProps<"textarea">)} rows={lines} /> : <input {...control} />}
      {error ? (
        <p id={`${id}-error`} className="text-small text-bad">
          {error}
        </p>
      ) : null}
      {help ? (
        <p id={`${id}-help`} className="text-small text-soft">
          {help}
        </p>
      ) : null}
    </div>
  );
}
