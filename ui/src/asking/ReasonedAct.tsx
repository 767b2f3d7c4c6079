import { useState, type ComponentProps } from "react";
import { Field } from "@/ui/Field";
import { words } from "@/words";
import { ConfirmedAct } from "./ConfirmedAct";

interface Props extends Omit<ComponentProps<typeof ConfirmedAct>, "run" | "missing" | "children" | "reason"> {
  /** Why it cannot be done now. */
  whyNot?: string | null;
  /** Who will read the reason. */
  help?: string;
  /** What is said while a reason is missing; without it none is needed. */
  needed?: string;
  run: (reason: string) => Promise<unknown>;
}

/** An act of staff that is done with a reason, which is kept. */
export function ReasonedAct({ whyNot, help, needed, run, ...act }: Props) {
  const [reason, setReason] = useState("");
  const given = reason.trim();
  return (
    <ConfirmedAct {...act} reason={whyNot} missing={given ? null : needed} run={() => run(given)}>
      <Field
        label={words.staff.reason}
        help={help}
        maxLength={255}
        autoComplete="off"
        value={reason}
        onValueChange={setReason}
      />
    </ConfirmedAct>
  );
}
