import { useId } from "react";

interface Props {
  label: string;
  help?: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
}

/** A choice of yes or no; its help is read out with it. */
export function Check({ label, help, checked, onChange }: Props) {
  const id = useId();
  return (
    <div className="flex min-h-11 items-start gap-2.5">
      <input
        id={id}
        type="checkbox"
        checked={checked}
        aria-describedby={help ? `${id}-help` : undefined}
        onChange={(event) => onChange(event.target.checked)}
        className="mt-1 size-4 shrink-0 accent-accent"
      />
      <div>
        <label htmlFor={id} className="font-medium">
          {label}
        </label>
        {help ? (
          <p id={`${id}-help`} className="text-small text-soft">
            {help}
          </p>
        ) : null}
      </div>
    </div>
  );
}
