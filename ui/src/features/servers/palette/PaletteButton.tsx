import { Search } from "lucide-react";
import { lazy, useEffect, useState } from "react";
import { Later } from "@/ui/Later";
import { words } from "@/words";

const Palette = lazy(async () => ({ default: (await import("./Palette")).Palette }));

/** Opens the command palette, as Ctrl K or ⌘ K does; its code is read when it is first wanted. */
export function PaletteButton() {
  const [open, setOpen] = useState(false);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      setOpen((now) => !now);
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
  return (
    <>
      <button
        type="button"
        onClick={() => setOpen(true)}
        aria-label={words.palette.open}
        title={words.palette.shortcut}
        aria-keyshortcuts="Control+K Meta+K"
        className="inline-flex min-h-11 min-w-11 items-center justify-center gap-2 text-small text-soft hover:text-ink"
      >
        <Search aria-hidden size={16} />
      </button>
      <Later open={open}>
        <Palette open={open} onClose={() => setOpen(false)} />
      </Later>
    </>
  );
}
