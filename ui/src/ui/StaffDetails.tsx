import { words } from "@/words";

/** What only staff are told, folded away. */
export function StaffDetails({ text }: { text: string }) {
  return (
    <details className="mt-2 text-small">
      <summary className="cursor-pointer">{words.common.details}</summary>
      <pre className="mt-2 font-mono wrap-anywhere whitespace-pre-wrap">{text}</pre>
    </details>
  );
}
