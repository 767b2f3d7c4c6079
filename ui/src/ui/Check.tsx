import { useId } from "react";
import { classes } from "@/lib/classes";

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
    <div className={classes("flex gap-2.5", help ? "items-start py-1.5" : "min-h-11 items-center sm:min-h-10")}>
      <input
        id={id}
        type="checkbox"
        checked={checked}
        aria-describedby={help ? `${id}-help` : undefined}
        onChange={(event) => onChange(event.target.checked)}
        className={classes("size-4 shrink-0 accent-accent", help ? "mt-1" : undefined)}
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
