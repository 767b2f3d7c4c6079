import { useMutation, useQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { describe } from "@/api/errors";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Failure } from "@/ui/Failure";
import { Field } from "@/ui/Field";
import { words } from "@/words";
import { factorQuery, prove, wantsProof } from "./proving";

const { proof } = words.account;

interface Change<Given> {
  error: unknown;
  variables: Given | undefined;
  mutate: (given: Given) => void;
  reset: () => void;
}

/** Asks once more who one is when a change wants to know; then the change is made. */
export function Proof<Given>({ change }: { change: Change<Given> }) {
  if (!wantsProof(change.error)) return null;
  return <ProofDialog onProved={() => change.mutate(change.variables as Given)} onClose={change.reset} />;
}

function ProofDialog({ onProved, onClose }: { onProved: () => void; onClose: () => void }) {
  const [password, setPassword] = useState("");
  const [otp, setOtp] = useState("");
  const factor = useQuery(factorQuery());
  const proving = useMutation({ mutationFn: prove });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (proving.isPending) return;
    proving.mutate(factor.data?.enabled ? { password, otp } : { password }, { onSuccess: onProved });
  };
  return (
    <Dialog open onClose={onClose} title={proof.title}>
      <form className="mt-4 grid gap-4" onSubmit={submit}>
        <p className="text-soft">{proof.help}</p>
        {proving.error ? <Failure title={proof.failed} {...describe(proving.error)} /> : null}
        <Field
          label={words.session.password}
          type="password"
          autoComplete="current-password"
          required
          value={password}
          onValueChange={setPassword}
        />
        {factor.data?.enabled ? (
          <Field
            label={words.session.code}
            help={words.session.codeHelp}
            autoComplete="one-time-code"
            required
            value={otp}
            onValueChange={setOtp}
          />
        ) : null}
        <div className="flex flex-wrap justify-end gap-3">
          <Button onClick={onClose}>{words.common.cancel}</Button>
          <Button type="submit" kind="primary" busy={proving.isPending}>
            {proof.send}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
