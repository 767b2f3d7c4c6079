import { X } from "lucide-react";
import { lazy, useState } from "react";
import { Link } from "wouter";
import type { User } from "@/api/types";
import { classes } from "@/lib/classes";
import { useSearchParams } from "@/lib/location";
import { paths } from "@/paths";
import { Button } from "@/ui/Button";
import { Later } from "@/ui/Later";
import { words } from "@/words";
import { useViews, type View } from "./views";

const { views: said } = words.servers;
const SaveView = lazy(async () => ({ default: (await import("./SaveView")).SaveView }));

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
        to={`${paths.servers()}?${search}`}
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
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button kind="quiet" onClick={() => setOpen(true)}>
        {said.save}
      </Button>
      <Later open={open}>
        <SaveView open={open} onClose={() => setOpen(false)} onSave={onSave} />
      </Later>
    </>
  );
}
