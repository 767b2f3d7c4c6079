import type { ReactNode } from "react";

export function EmptyState({ title, help, action }: { title: string; help: string; action?: ReactNode }) {
  return (
    <div className="card grid justify-items-center gap-2 px-6 py-16 text-center">
      <h2 className="text-large font-semibold">{title}</h2>
      <p className="text-soft">{help}</p>
      {action ? <div className="mt-3">{action}</div> : null}
    </div>
  );
}
