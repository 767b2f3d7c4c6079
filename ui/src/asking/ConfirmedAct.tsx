import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent, type ReactNode } from "react";
import { describe } from "@/api/errors";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Failure } from "@/ui/Failure";
import { Notes } from "@/ui/Notes";
import { words } from "@/words";
import { Proof } from "./Proof";
import { wantsProof } from "./proving";

interface Props {
  label: string;
  acting: string;
  title: string;
  notes: readonly string[];
  /** What the button is about, for those who do not see where it stands. */
  about?: string;
  danger?: boolean;
  /** Why it cannot be done now. */
  reason?: string | null;
  /** Why what is filled in cannot be sent. */
  missing?: string | null;
  /** What was asked for is being done: the button says so until the effect is seen. */
  observing?: boolean;
  run: () => Promise<unknown>;
  /** Fields in the question. */
  children?: ReactNode;
}

/**
 * A button that says what its act brings with it before it is done; refused, the question stays and says why. Where the
 * service wants to know again who one is, that is asked first.
 */
export function ConfirmedAct(props: Props) {
  const { label, acting, title, notes, about, danger, reason, observing = false, missing, run, children } = props;
  const [open, setOpen] = useState(false);
  const client = useQueryClient();
  const act = useMutation({
    mutationFn: run,
    onSuccess: async () => {
      setOpen(false);
      await client.invalidateQueries();
    },
  });
  const busy = act.isPending || observing;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!act.isPending && !missing) act.mutate();
  };
  const close = () => {
    act.reset();
    setOpen(false);
  };
  return (
    <>
      <Button
        busy={busy}
        reason={busy ? null : reason}
        aria-label={about && !busy ? `${label}: ${about}` : undefined}
        className="justify-self-start"
        onClick={() => setOpen(true)}
      >
        {busy ? acting : label}
      </Button>
      <Dialog open={open} onClose={close} title={title}>
        <Notes notes={notes} />
        <form className="mt-5 grid gap-5" onSubmit={submit} noValidate>
          {children}
          {act.error && !wantsProof(act.error) ? (
            <Failure title={words.server.actionFailed(label)} {...describe(act.error)} />
          ) : null}
          <div className="flex flex-wrap justify-end gap-2">
            <Button onClick={close}>{words.common.cancel}</Button>
            <Button
              type="submit"
              kind={danger ? "danger" : "primary"}
              busy={act.isPending}
              reason={act.isPending ? null : (missing ?? null)}
            >
              {act.isPending ? acting : label}
            </Button>
          </div>
        </form>
        <Proof change={act} />
      </Dialog>
    </>
  );
}
