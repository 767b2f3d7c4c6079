import { Check, Copy as CopyIcon } from "lucide-react";
import { useEffect, useState } from "react";
import { words } from "@/words";

/** A text with a button that copies it. */
export function Copy({ text, what }: { text: string; what: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () => void navigator.clipboard?.writeText(text).then(() => setCopied(true));
  return (
    <span className="inline-flex items-center gap-1">
      <span className="font-mono text-small wrap-anywhere xl:in-[td]:whitespace-nowrap">{text}</span>
      <button
        type="button"
        onClick={copy}
        aria-label={words.common.copy(what)}
        className="relative z-10 -my-2 inline-grid size-11 place-items-center rounded-control text-soft hover:text-ink sm:size-8"
      >
        {copied ? <Check aria-hidden size={15} className="text-good" /> : <CopyIcon aria-hidden size={15} />}
      </button>
      <span role="status" className="sr-only">
        {copied ? words.common.copied : ""}
      </span>
    </span>
  );
}
