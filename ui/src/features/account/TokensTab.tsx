import { useQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { ApiError } from "@/api/errors";
import type { ApiToken } from "@/api/types";
import { useUser } from "@/api/session";
import { ConfirmedAct } from "@/asking/ConfirmedAct";
import { Proof } from "@/asking/Proof";
import { Button } from "@/ui/Button";
import { Check } from "@/ui/Check";
import { Copy } from "@/ui/Copy";
import { Field } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { Section } from "@/ui/Section";
import { Skeleton } from "@/ui/Skeleton";
import { Time } from "@/ui/Time";
import { words } from "@/words";
import { accountChanges, accountQueries, useAccountChange } from "./queries";
import { Saving } from "@/asking/Saving";
import { Unread } from "@/asking/Unread";

const { apiTokens: said } = words.account;

/** How programs act for the user. */
export function TokensTab() {
  const tokens = useQuery(accountQueries.tokens());
  return (
    <div className="grid gap-5 lg:grid-cols-2">
      <Section title={words.account.tokens}>
        <Unread title={said.failed} query={tokens} />
        {tokens.isPending ? <Skeleton rows={3} label={words.common.loading} /> : null}
        {tokens.data?.length === 0 ? <p className="text-soft">{said.none}</p> : null}
        <ul className="grid ruled">
          {tokens.data?.map((token) => (
            <Row key={token.id} token={token} />
          ))}
        </ul>
      </Section>
      <Make />
    </div>
  );
}

function Row({ token }: { token: ApiToken }) {
  return (
    <li className="flex flex-wrap items-center justify-between gap-3 py-3 first:pt-0">
      <div className="min-w-0 flex-1 basis-56">
        <p className="font-medium wrap-anywhere">{token.name}</p>
        <p className="text-small text-soft">
          {token.scopes.map((scope) => said.scopes[scope]).join(", ")}
          {token.networks.length > 0 ? ` · ${token.networks.join(", ")}` : null}
        </p>
        <p className="text-small text-soft">
          {token.last_used_at ? (
            <>
              {said.lastUsed} <Time at={token.last_used_at} /> ({token.last_used_from})
            </>
          ) : (
            said.neverUsed
          )}
        </p>
      </div>
      <ConfirmedAct
        danger
        label={said.revoke}
        acting={said.revoking}
        title={said.revokeTitle(token.name)}
        notes={said.revokeNotes}
        about={token.name}
        run={() => accountChanges.revokeToken(token.id)}
      />
    </li>
  );
}

function Make() {
  const staff = useUser()?.role === "admin";
  const [name, setName] = useState("");
  const [writes, setWrites] = useState(false);
  const [staffs, setStaffs] = useState(false);
  const [bills, setBills] = useState(false);
  const [networks, setNetworks] = useState("");
  const make = useAccountChange(accountChanges.makeToken);
  const missing = name.trim() ? null : said.nameMissing;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (missing || make.isPending) return;
    const scopes: ApiToken["scopes"] = [writes ? "write" : "read"];
    if (staffs) scopes.push("staff");
    if (bills) scopes.push("billing");
    make.mutate({ name: name.trim(), scopes, networks: networks.split(/[\s,]+/).filter(Boolean) });
  };
  const refused = make.error instanceof ApiError ? make.error.problem.errors : [];
  const wrongNetwork = refused.find(({ pointer }) => pointer.startsWith("/networks"))?.message;
  return (
    <Section title={said.make}>
      {make.data ? <Made token={make.data.token} onKept={make.reset} /> : null}
      <form className="grid gap-4" onSubmit={submit}>
        <Field label={words.account.name} value={name} onValueChange={setName} maxLength={255} autoComplete="off" />
        <Check label={said.mayWrite} help={said.mayWriteHelp} checked={writes} onChange={setWrites} />
        {staff ? <Check label={said.mayStaff} checked={staffs} onChange={setStaffs} /> : null}
        {staff ? <Check label={said.mayBill} help={said.mayBillHelp} checked={bills} onChange={setBills} /> : null}
        <Field
          label={said.networks}
          help={said.networksHelp}
          error={wrongNetwork}
          autoComplete="off"
          value={networks}
          onValueChange={setNetworks}
        />
        <Saving
          save={said.makeSend}
          saving={words.account.saving}
          failed={said.makeFailed}
          change={{ ...make, isSuccess: false }}
          reason={missing}
        />
      </form>
      <Proof change={make} />
    </Section>
  );
}

function Made({ token, onKept }: { token: string; onKept: () => void }) {
  return (
    <Notice tone="warn" urgent title={said.made} action={<Button onClick={onKept}>{words.account.factor.kept}</Button>}>
      <Copy text={token} what={said.token} />
    </Notice>
  );
}
