interface Props {
  label: string;
  value: string;
  options: readonly { value: string; label: string }[];
  onChange: (value: string) => void;
}

/** The browser's own select: it is the one that works with every keyboard, phone and screen reader. */
export function Select({ label, value, options, onChange }: Props) {
  return (
    <label className="grid gap-1 text-small text-soft">
      {label}
      <select value={value} onChange={(event) => onChange(event.target.value)} className="control text-base">
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </label>
  );
}
