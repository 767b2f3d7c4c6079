import { X } from "lucide-react";
import { useState, type FormEvent } from "react";
import { Link, useSearchParams } from "react-router";
import type { User } from "@/api/types";
import { classes } from "@/lib/classes";
import { paths } from "@/paths";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Field } from "@/ui/Field";
import { words } from "@/words";
import { useViews, type View } from "./views";

const { views: said } = words.servers;

/** Lists that staff come back to, by name; each is a URL. */
export function SavedViews({ user }: { user: User }) {
  const { views, save, drop } = useViews(user.id);
  const [params] = useSearchParams();
  const search = params.toString();
  const shown = views.some((view) => view.search === search);
  if (views.length === 0 && !search) return null;
  return (
    <nav aria-label={said.title} className="flex flex-wrap items-center gap-2">
      {views.map((view) => (
        <Saved key={view.name} view={view} current={view.search === search} onDrop={() => drop(view.name)} />
      ))}
      {search && !shown ? <Save onSave={(name) => save({ name, search })} /> : null}
    </nav>
  );
}

function Saved({ view: { name, search }, current, onDrop }: { view: View; current: boolean; onDrop: () => void }) {
  return (
    <span
      className={classes(
        "inline-flex items-center rounded-control border bg-surface",
        current ? "border-accent" : "border-line",
      )}
    >
      <Link
        to={{ pathname: paths.servers(), search }}
        aria-current={current ? "page" : undefined}
        className="inline-flex min-h-11 items-center pl-3.5 hover:underline aria-[current=page]:font-medium sm:min-h-10"
      >
        {name}
      </Link>
      <button
        type="button"
        aria-label={said.drop(name)}
        onClick={onDrop}
        className="inline-grid size-11 place-items-center text-soft hover:text-ink sm:size-10"
      >
        <X aria-hidden size={15} />
      </button>
    </span>
  );
}

function Save({ onSave }: { onSave: (name: string) => void }) {
  const [name, setName] = useState<string | null>(null);
  const close = () => setName(null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!name?.trim()) return;
    onSave(name.trim());
    close();
  };
  return (
    <>
      <Button kind="quiet" onClick={() => setName("")}>
        {said.save}
      </Button>
      <Dialog open={name !== null} onClose={close} title={said.save}>
        <form className="mt-4 grid gap-5" onSubmit={submit} noValidate>
          <Field
            label={said.name}
            help={said.help}
            autoComplete="off"
            maxLength={60}
            value={name ?? ""}
            onValueChange={setName}
          />
          <div className="flex flex-wrap justify-end gap-2">
            <Button onClick={close}>{words.common.cancel}</Button>
            <Button type="submit" kind="primary" reason={name?.trim() ? null : said.nameMissing}>
              {said.keep}
            </Button>
          </div>
        </form>
      </Dialog>
    </>
  );
}
