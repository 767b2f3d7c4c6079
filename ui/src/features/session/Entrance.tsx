import type { FormEvent, ReactNode } from "react";
import { words } from "@/words";

/** The pages in front of the door: one card in the middle, with the product's name above it; `title` where it shows none. */
export function Entrance({ title, children }: { title?: string; children: ReactNode }) {
  return (
    <main className="mx-auto grid w-full max-w-sm content-start gap-6 px-4 pt-[12dvh] pb-10">
      <p className="flex items-center gap-2.5 text-large font-semibold">
        <img src="/favicon.svg" alt="" width={28} height={28} />
        {words.product}
      </p>
      {title ? <h1 className="sr-only">{title}</h1> : null}
      {children}
    </main>
  );
}

/** A titled form in a card; it is sent by Enter as well, and never twice at once. */
export function EntranceForm(props: { title: string; busy: boolean; onSend: () => void; children: ReactNode }) {
  const send = (event: FormEvent) => {
    event.preventDefault();
    if (!props.busy) props.onSend();
  };
  return (
    <form className="card grid gap-5 p-6" onSubmit={send}>
      <h1 className="text-title font-semibold">{props.title}</h1>
      {props.children}
    </form>
  );
}
