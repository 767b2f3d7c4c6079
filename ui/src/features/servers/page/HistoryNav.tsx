import { paths } from "@/paths";
import { NavLink } from "@/ui/NavLink";
import { words } from "@/words";

/** History is told in two ways: every event, and the operations with their steps. */
export function HistoryNav({ server }: { server: string }) {
  const views = [
    [paths.serverHistory(server), words.history.events, false],
    [paths.serverOperations(server), words.operation.list, true],
  ] as const;
  return (
    <nav aria-label={words.history.title} className="flex flex-wrap gap-2">
      {views.map(([to, label, below]) => (
        <NavLink
          key={to}
          to={to}
          below={below}
          className="inline-flex min-h-11 items-center rounded-control px-3 text-soft hover:text-ink aria-[current=page]:bg-raised aria-[current=page]:font-medium aria-[current=page]:text-ink sm:min-h-9"
        >
          {label}
        </NavLink>
      ))}
    </nav>
  );
}
