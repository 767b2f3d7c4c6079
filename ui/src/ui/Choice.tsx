import type { ReactNode } from "react";

export interface Option {
  value: string;
  title: string;
  detail?: ReactNode;
  /** Why it cannot be chosen. */
  reason?: string | null;
}

interface Props {
  legend: string;
  name: string;
  options: readonly Option[];
  value: string;
  onChange: (value: string) => void;
  error?: string | undefined;
  empty: string;
}

/** One of a few, as cards. Underneath they are radio buttons: arrows move, forms understand. */
export function Choice({ legend, name, options, value, onChange, error, empty }: Props) {
  return (
    <fieldset className="grid gap-2">
      <legend className="mb-2 text-large font-semibold">{legend}</legend>
      {options.length === 0 ? <p className="text-soft">{empty}</p> : null}
      <div className="grid gap-2.5 sm:grid-cols-[repeat(auto-fill,minmax(17rem,1fr))]">
        {options.map((option) => (
          <label
            key={option.value}
            className="card flex cursor-pointer items-start gap-3 p-3.5 hover:border-edge has-disabled:cursor-not-allowed has-disabled:bg-raised has-disabled:text-soft has-checked:border-accent has-checked:ring-1 has-checked:ring-accent has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent"
          >
            <input
              type="radio"
              name={name}
              value={option.value}
              checked={option.value === value}
              disabled={Boolean(option.reason)}
              onChange={() => onChange(option.value)}
              className="mt-1 size-4 shrink-0 accent-accent outline-none"
            />
            <span className="min-w-0">
              <span className="block font-medium">{option.title}</span>
              {option.detail ? <span className="block text-small text-soft">{option.detail}</span> : null}
              {option.reason ? <span className="block text-small text-soft">{option.reason}</span> : null}
            </span>
          </label>
        ))}
      </div>
      {error ? (
        <p role="alert" className="text-small text-bad">
          {error}
        </p>
      ) : null}
    </fieldset>
  );
}
