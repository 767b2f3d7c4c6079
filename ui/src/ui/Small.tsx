interface Props {
  label: string;
  value: string;
  placeholder?: string;
  onChange: (value: string) => void;
}

/** A text field that stands beside selects, labelled as they are. */
export function Small({ label, value, placeholder, onChange }: Props) {
  return (
    <label className="grid gap-1 text-small text-soft">
      {label}
      <input
        autoComplete="off"
        placeholder={placeholder}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        className="control text-base"
      />
    </label>
  );
}
