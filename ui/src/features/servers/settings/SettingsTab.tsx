import { useState, type FormEvent } from "react";
import { ApiError, describe } from "@/api/errors";
import type { Server } from "@/api/types";
import { whyNot } from "@/features/servers/actions";
import { RenameDialog, TerminateDialog } from "@/features/servers/change/dialogs";
import { useServerContext } from "@/asking/serverPage";
import { useChangeServer } from "@/features/servers/queries";
import { useOnlyLooks, useRole } from "@/features/servers/role";
import { Button } from "@/ui/Button";
import { Failure } from "@/ui/Failure";
import { Field } from "@/ui/Field";
import { Later } from "@/ui/Later";
import { Section } from "@/ui/Section";
import { words } from "@/words";
import { labelsText, readLabels } from "./labels";

const settings = words.settings;

/** What a server is called and marked with, what guards it, and its end. */
export function SettingsTab() {
  const { server } = useServerContext();
  return (
    <div className="grid gap-5 lg:grid-cols-2">
      <div className="grid content-start gap-5">
        <Name />
        <LabelsForm server={server} />
      </div>
      <div className="grid content-start gap-5">
        <Protection server={server} />
        <End />
      </div>
    </div>
  );
}

function Name() {
  const { server, operation, onAccepted } = useServerContext();
  const [asking, setAsking] = useState(false);
  const acting = operation?.type === "rename";
  const role = useRole(server);
  return (
    <Section title={settings.name}>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <span className="min-w-0 font-medium wrap-anywhere">{server.name}</span>
        <Button
          busy={acting}
          reason={acting ? null : whyNot("rename", server, operation, role)}
          onClick={() => setAsking(true)}
        >
          {acting ? words.acting.rename : words.change.rename.open}
        </Button>
      </div>
      <Later open={asking}>
        {" "}
        <RenameDialog server={server} open={asking} onClose={() => setAsking(false)} onAccepted={onAccepted} />
      </Later>
    </Section>
  );
}

function LabelsForm({ server }: { server: Server }) {
  const known = labelsText(server.labels);
  const [typed, setTyped] = useState<string | null>(null);
  const save = useChangeServer(server.id);
  const text = typed ?? known;
  const read = readLabels(text);
  const mistake = "mistake" in read ? read.mistake : null;
  const why = useOnlyLooks(server) ?? mistake ?? (text === known ? settings.unchanged : null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (why || save.isPending || !("labels" in read)) return;
    save.mutate({ labels: read.labels }, { onSuccess: () => setTyped(null) });
  };
  const refused = save.error instanceof ApiError ? save.error.field("/labels") : undefined;
  return (
    <Section title={settings.labels}>
      <form onSubmit={submit} className="grid gap-4" noValidate>
        <Field
          label={<span className="sr-only">{settings.labels}</span>}
          help={settings.labelsHelp}
          error={mistake ?? refused}
          value={text}
          onValueChange={setTyped}
          lines={4}
          mono
          spellCheck={false}
          autoComplete="off"
        />
        {save.error ? <Failure title={settings.saveFailed} {...describe(save.error)} /> : null}
        <div className="flex flex-wrap items-center gap-3">
          <Button type="submit" busy={save.isPending} reason={save.isPending ? null : why}>
            {save.isPending ? settings.saving : settings.saveLabels}
          </Button>
          <span role="status" className="text-small text-soft">
            {save.isSuccess && typed === null ? settings.saved : ""}
          </span>
        </div>
      </form>
    </Section>
  );
}

function Protection({ server }: { server: Server }) {
  const save = useChangeServer(server.id);
  const on = server.protection.delete;
  const onlyLooks = useOnlyLooks(server);
  return (
    <Section title={settings.protection}>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <p role="status" className="min-w-0 flex-1 basis-56 text-soft">
          {on ? settings.protectionOn : settings.protectionOff}
        </p>
        <Button busy={save.isPending} reason={onlyLooks} onClick={() => save.mutate({ protection: { delete: !on } })}>
          {on ? settings.unprotect : settings.protect}
        </Button>
      </div>
      {save.error ? <Failure title={settings.saveFailed} {...describe(save.error)} /> : null}
    </Section>
  );
}

function End() {
  const { server, operation, onAccepted } = useServerContext();
  const role = useRole(server);
  const [asking, setAsking] = useState(false);
  return (
    <Section title={settings.end}>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <p className="min-w-0 flex-1 basis-56 text-soft">{settings.endHelp}</p>
        <Button kind="danger" reason={whyNot("terminate", server, operation, role)} onClick={() => setAsking(true)}>
          {settings.endOpen}
        </Button>
      </div>
      <Later open={asking}>
        {" "}
        <TerminateDialog server={server} open={asking} onClose={() => setAsking(false)} onAccepted={onAccepted} />
      </Later>
    </Section>
  );
}
