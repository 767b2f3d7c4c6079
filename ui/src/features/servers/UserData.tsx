import type { Location } from "@/api/types";
import { Field } from "@/ui/Field";
import { words } from "@/words";

const MOST_BYTES = 64 * 1024;

/** Whether servers of a location can be given user data. */
export function takesUserData(locations: readonly Location[], location: string): boolean {
  return locations.some(({ id, user_data }) => id === location && user_data);
}

/** What can be told without asking the service. */
export function userDataMistake(text: string): string | undefined {
  return new TextEncoder().encode(text).length > MOST_BYTES ? words.userData.tooLong : undefined;
}

interface Props {
  value: string;
  onChange: (value: string) => void;
  error?: string | undefined;
}

export function UserDataField({ value, onChange, error }: Props) {
  return (
    <Field
      label={words.userData.label}
      help={words.userData.help}
      error={error}
      value={value}
      onValueChange={onChange}
      name="user_data"
      lines={6}
      mono
      spellCheck={false}
      autoComplete="off"
      autoCapitalize="none"
    />
  );
}
