import { describe } from "@/api/errors";
import { wantsProof } from "./proving";
import { Button } from "@/ui/Button";
import { Failure } from "@/ui/Failure";
import { words } from "@/words";

interface Props {
  /** What the button says, and what it says meanwhile. */
  save: string;
  saving: string;
  failed: string;
  change: { isPending: boolean; isSuccess: boolean; error: unknown };
  reason?: string | null;
}

/** The foot of a form: its button, what became of it, and why it cannot be sent. */
export function Saving({ save, saving, failed, change, reason }: Props) {
  return (
    <>
      {change.error && !wantsProof(change.error) ? <Failure title={failed} {...describe(change.error)} /> : null}
      <div className="flex flex-wrap items-center gap-3">
        <Button type="submit" busy={change.isPending} reason={change.isPending ? null : (reason ?? null)}>
          {change.isPending ? saving : save}
        </Button>
        <span role="status" className="text-small text-soft">
          {change.isSuccess ? words.account.saved : ""}
        </span>
      </div>
    </>
  );
}
