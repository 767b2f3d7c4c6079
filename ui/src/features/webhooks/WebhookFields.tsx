import { ApiError } from "@/api/errors";
import type { WebhookEvents } from "@/api/types";
import { Field } from "@/ui/Field";
import { words } from "@/words";
import { EventChoice } from "./EventChoice";

const said = words.webhooks;

export interface Given {
  url: string;
  description: string;
  events: WebhookEvents;
}

interface Props {
  value: Given;
  onChange: (value: Given) => void;
  /** What the service said of it last. */
  error: Error | null;
  descriptionHelp?: string;
}

/** Where another program listens, what for, and what it wants to hear. */
export function WebhookFields({ value, onChange, error, descriptionHelp }: Props) {
  return (
    <>
      <Field
        label={said.url}
        help={said.urlHelp}
        error={error instanceof ApiError ? error.field("/url") : null}
        type="url"
        maxLength={2048}
        autoComplete="off"
        value={value.url}
        onValueChange={(url) => onChange({ ...value, url })}
      />
      <Field
        label={said.description}
        help={descriptionHelp}
        maxLength={255}
        autoComplete="off"
        value={value.description}
        onValueChange={(description) => onChange({ ...value, description })}
      />
      <EventChoice value={value.events} onChange={(events) => onChange({ ...value, events })} />
    </>
  );
}

/** As it is sent: without the blanks around it. */
export const trimmed = ({ url, description, events }: Given): Given => ({
  url: url.trim(),
  description: description.trim(),
  events,
});
