import { Field as Base } from "@base-ui/react/field";
import type { ComponentProps, ReactNode } from "react";

interface Props extends Omit<ComponentProps<typeof Base.Control>, "className"> {
  label: ReactNode;
  help?: ReactNode;
  error?: string | null | undefined;
  /** A tall field of several lines. */
  lines?: number;
  mono?: boolean;
}

/** A labelled text field; its help and its error are read out with it. */
export function Field({ label, help, error, lines, mono = false, ...control }: Props) {
  const look = mono ? "control font-mono text-small" : "control";
  return (
    <Base.Root invalid={Boolean(error)} className="grid gap-1.5">
      <Base.Label className="font-medium">{label}</Base.Label>
      <Base.Control {...control} className={look} {...(lines ? { render: <textarea rows={lines} /> } : {})} />
      {error ? (
        <Base.Error match className="text-small text-bad">
          {error}
        </Base.Error>
      ) : null}
      {help ? <Base.Description className="text-small text-soft">{help}</Base.Description> : null}
    </Base.Root>
  );
}
