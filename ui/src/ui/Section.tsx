import { useId, type ReactNode } from "react";

/** A titled part of a page. */
export function Section({ title, children }: { title: string; children: ReactNode }) {
  const id = useId();
  return (
    <section aria-labelledby={id} className="card grid grid-cols-1 content-start gap-4 p-5">
      <h2 id={id} className="text-large font-semibold">
        {title}
      </h2>
      {children}
    </section>
  );
}
