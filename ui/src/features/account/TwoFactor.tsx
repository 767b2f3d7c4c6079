import { useQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { ApiError, describe } from "@/api/errors";
import type { TwoFactorOffer } from "@/api/types";
import { ConfirmedAct } from "@/asking/ConfirmedAct";
import { Proof } from "@/asking/Proof";
import { wantsProof } from "@/asking/proving";
import { Button } from "@/ui/Button";
import { Copy } from "@/ui/Copy";
import { Failure } from "@/ui/Failure";
import { Field } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { Section } from "@/ui/Section";
import { Skeleton } from "@/ui/Skeleton";
import { words } from "@/words";
import { accountChanges, accountQueries, useAccountChange } from "./queries";
import { QrCode } from "./QrCode";
import { Saving } from "@/asking/Saving";
import { Unread } from "@/asking/Unread";

const { factor: said } = words.account;

/** The second factor: on, off, or about to be turned on. */
export function TwoFactor() {
  const factor = useQuery(accountQueries.factor());
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  return (
    <Section title={said.title}>
      <Unread title={said.failed} query={factor} />
      {factor.isPending ? <Skeleton rows={2} label={words.common.loading} /> : null}
      {codes ? <RecoveryCodes codes={codes} onKept={() => setCodes(null)} /> : null}
      {factor.data?.enabled ? <On left={factor.data.recovery_codes_left} onCodes={setCodes} /> : null}
      {factor.data && !factor.data.enabled ? <Off onCodes={setCodes} /> : null}
    </Section>
  );
}

function On({ left, onCodes }: { left: number; onCodes: (codes: string[]) => void }) {
  const renew = useAccountChange(accountChanges.renewCodes, ({ codes }) => onCodes(codes));
  return (
    <>
      <p role="status" className="text-soft">
        {said.on} {said.left(left)}
      </p>
      {renew.error && !wantsProof(renew.error) ? (
        <Failure title={said.changeFailed} {...describe(renew.error)} />
      ) : null}
      <div className="flex flex-wrap gap-3">
        <Button busy={renew.isPending} onClick={() => renew.mutate(undefined)}>
          {said.renew}
        </Button>
        <ConfirmedAct
          danger
          label={said.turnOff}
          acting={said.turningOff}
          title={said.turnOffTitle}
          notes={said.turnOffNotes}
          run={accountChanges.dropFactor}
        />
      </div>
      <Proof change={renew} />
    </>
  );
}

function Off({ onCodes }: { onCodes: (codes: string[]) => void }) {
  const offer = useAccountChange(accountChanges.offerFactor);
  if (offer.data) return <Confirm offer={offer.data} onCodes={onCodes} />;
  return (
    <>
      <p className="text-soft">{said.off}</p>
      {offer.error && !wantsProof(offer.error) ? (
        <Failure title={said.changeFailed} {...describe(offer.error)} />
      ) : null}
      <div>
        <Button kind="primary" busy={offer.isPending} onClick={() => offer.mutate(undefined)}>
          {said.turnOn}
        </Button>
      </div>
      <Proof change={offer} />
    </>
  );
}

function Confirm({ offer, onCodes }: { offer: TwoFactorOffer; onCodes: (codes: string[]) => void }) {
  const [otp, setOtp] = useState("");
  const confirm = useAccountChange(accountChanges.confirmFactor, ({ codes }) => onCodes(codes));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (otp.length === 6 && !confirm.isPending) confirm.mutate(otp);
  };
  return (
    <form className="grid gap-4" onSubmit={submit}>
      <p className="text-soft">{said.scan}</p>
      <QrCode text={offer.uri} label={said.qr} />
      <p>
        <Copy text={offer.secret} what={said.secret} />
      </p>
      <Field
        label={words.session.code}
        autoComplete="one-time-code"
        inputMode="numeric"
        maxLength={6}
        error={confirm.error instanceof ApiError ? confirm.error.field("/otp") : null}
        value={otp}
        onValueChange={setOtp}
      />
      <Saving
        save={said.confirm}
        saving={words.account.saving}
        failed={said.changeFailed}
        change={confirm}
        reason={otp.length === 6 ? null : said.sixDigits}
      />
    </form>
  );
}

function RecoveryCodes({ codes, onKept }: { codes: readonly string[]; onKept: () => void }) {
  return (
    <Notice tone="warn" urgent title={said.codes} action={<Button onClick={onKept}>{said.kept}</Button>}>
      <p>{said.codesHelp}</p>
      <ul className="mt-3 grid gap-1 font-mono text-small sm:grid-cols-2">
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ul>
      <a
        href={`data:text/plain,${encodeURIComponent(codes.join("\n"))}`}
        download="recovery-codes.txt"
        className="mt-3 inline-block text-accent hover:underline"
      >
        {said.download}
      </a>
    </Notice>
  );
}
