import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { ApiError } from "@/api/errors";
import type { CustomerWanted } from "@/api/types";
import { Saving } from "@/asking/Saving";
import { go } from "@/lib/location";
import { paths } from "@/paths";
import { Button } from "@/ui/Button";
import { Check } from "@/ui/Check";
import { Dialog } from "@/ui/Dialog";
import { Field } from "@/ui/Field";
import { words } from "@/words";
import { peopleActs } from "./queries";

const { make } = words.staff.people;
const ADDRESS = /^\S+@\S+$/;

/** Makes a customer: an account, and the user who owns it. Somebody who is there already is shown, not made twice. */
export function MakeCustomer({ open, onClose }: { open: boolean; onClose: () => void }) {
  const client = useQueryClient();
  const [given, setGiven] = useState({ email: "", name: "", external: "", invite: true });
  const change = useMutation({
    mutationFn: (asked: CustomerWanted) => peopleActs.make(asked),
    onSuccess: ({ account }) => {
      void client.invalidateQueries({ queryKey: ["staff"] });
      go(paths.adminCustomer(account));
    },
  });
  const set = <Name extends keyof typeof given>(name: Name) => {
    return (value: (typeof given)[Name]) => setGiven((now) => ({ ...now, [name]: value }));
  };
  const missing = ADDRESS.test(given.email.trim()) && given.name.trim() ? null : make.missing;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (missing || change.isPending) return;
    const external_id = given.external.trim() || null;
    change.mutate({ email: given.email.trim(), name: given.name.trim(), invite: given.invite, external_id });
  };
  const mistake = (pointer: string) => (change.error instanceof ApiError ? change.error.field(pointer) : undefined);
  return (
    <Dialog open={open} onClose={onClose} title={make.title}>
      <form className="mt-4 grid gap-4" onSubmit={submit} noValidate>
        <Field
          label={words.session.email}
          error={mistake("/email")}
          type="email"
          autoComplete="off"
          value={given.email}
          onValueChange={set("email")}
        />
        <Field
          label={make.name}
          error={mistake("/name")}
          autoComplete="off"
          value={given.name}
          onValueChange={set("name")}
        />
        <Field
          label={make.external}
          help={make.externalHelp}
          error={mistake("/external_id")}
          autoComplete="off"
          value={given.external}
          onValueChange={set("external")}
        />
        <Check label={make.invite} help={make.inviteHelp} checked={given.invite} onChange={set("invite")} />
        <Saving save={make.save} saving={make.saving} failed={make.failed} change={change} reason={missing} />
        <Button className="justify-self-start" onClick={onClose}>
          {words.common.cancel}
        </Button>
      </form>
    </Dialog>
  );
}
