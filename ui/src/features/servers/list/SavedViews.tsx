import { X } from "lucide-react";
import { lazy, useState } from "react";
import { Link } from "wouter";
import { describe } from "@/api/errors";
import type { User } from "@/api/types";
import { classes } from "@/lib/classes";
import { useSearchParams } from "@/lib/location";
import { paths } from "@/paths";
import { Button } from "@/ui/Button";
import { Failure } from "@/ui/Failure";
import { Later } from "@/ui/Later";
import { words } from "@/words";
import { sameSearch, searchOf, useViews } from "./views";

const { views: said } = words.servers;
const SaveView = lazy(async () => ({ default: (await import("./SaveView")).SaveView }));

/** Lists that staff come back to, by name; each is a URL. */
export function SavedViews({ user }: { user: User }) {
  const { views, save, drop } = useViews(user.id);
  const [params] = useSearchParams();
  const search = params.toString();
  const links = views.map((view) => ({ id: view.id, name: view.name, search: searchOf(view) }));
  const shown = links.some((link) => sameSearch(link.search, search));
  const failure = save.error ?? drop.error;
  if (links.length === 0 && !search) return null;
  return (
    <>
      <nav aria-label={said.title} className="flex flex-wrap items-center gap-2">
        {links.map((link) => (
          <Saved
            key={link.id}
            link={link}
            current={sameSearch(link.search, search)}
            onDrop={() => drop.mutate(link.id)}
          />
        ))}
        {search && !shown ? <Save onSave={(name) => save.mutate({ name, search })} /> : null}
      </nav>
      {failure ? <Failure title={save.error ? said.saveFailed : said.dropFailed} {...describe(failure)} /> : null}
    </>
  );
}

interface SavedProps {
  link: { name: string; search: string };
  current: boolean;
  onDrop: () => void;
}

function Saved({ link: { name, search }, current, onDrop }: SavedProps) {
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
