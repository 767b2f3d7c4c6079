import type { WebhookEvent, WebhookEvents } from "@/api/types";
import { Check } from "@/ui/Check";
import { words } from "@/words";

const said = words.webhooks;
const types = Object.keys(said.events) as WebhookEvent[];

interface Props {
  value: WebhookEvents;
  onChange: (value: WebhookEvents) => void;
}

/** What an endpoint is told of: everything, or some types of messages. */
export function EventChoice({ value, onChange }: Props) {
  const everything = value.includes("*");
  const toggle = (type: WebhookEvent, on: boolean) =>
    onChange(types.filter((each) => (each === type ? on : value.includes(each))));
  return (
    <fieldset className="grid gap-1">
      <legend className="mb-2 font-medium">{said.what}</legend>
      <Check
        label={said.everything}
        help={said.everythingHelp}
        checked={everything}
        onChange={(on) => onChange(on ? ["*"] : [...types])}
      />
      {everything
        ? null
        : types.map((type) => (
            <Check
              key={type}
              label={said.events[type]}
              help={type}
              checked={value.includes(type)}
              onChange={(on) => toggle(type, on)}
            />
          ))}
    </fieldset>
  );
}
