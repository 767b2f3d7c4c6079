import { useState, type ReactNode } from "react";
import { ConfirmedAct } from "@/asking/ConfirmedAct";
import { Field } from "@/ui/Field";
import { words } from "@/words";
import type { Kind } from "./queries";
import { Reason } from "./Shelf";

const { catalogue } = words.staff;

export interface Typed {
  /** The value of a field as it was typed. */
  values: Record<string, string>;
  set: (name: string, value: string) => void;
}

interface Props {
  kind: Kind;
  /** What it is called; of a new one nothing. */
  name?: string;
  typed: Typed;
  run: () => Promise<unknown>;
  children: ReactNode;
}

/** The question in which an item is made or changed. */
export function ItemForm({ kind, name, typed, run, children }: Props) {
  const { values, set } = typed;
  const isNew = name === undefined;
  return (
    <ConfirmedAct
      label={isNew ? catalogue.create[kind] : catalogue.edit}
      acting={isNew ? catalogue.creating : catalogue.editing}
      title={isNew ? catalogue.create[kind] : catalogue.editTitle(name)}
      notes={isNew ? catalogue.createNotes[kind] : catalogue.editNotes[kind]}
      about={name}
      run={run}
    >
      <Text name="name" typed={typed} />
      {isNew ? <Text name="key" typed={typed} help={catalogue.keyHelp} mono /> : null}
      {children}
      <Count name="position" typed={typed} help={catalogue.positionHelp} />
      <Reason value={values["reason"] ?? ""} onChange={(reason) => set("reason", reason)} />
    </ConfirmedAct>
  );
}

type FieldName =
  | "name"
  | "key"
  | "vcpus"
  | "memory_mib"
  | "disk_gib"
  | "snapshots"
  | "backups"
  | "position"
  | "min_disk_gib"
  | "default_user"
  | "template";

export function Text({ name, typed, help, mono }: { name: FieldName; typed: Typed; help?: string; mono?: boolean }) {
  return (
    <Field
      label={catalogue[name]}
      help={help}
      mono={mono ?? false}
      maxLength={100}
      autoComplete="off"
      value={typed.values[name] ?? ""}
      onValueChange={(value) => typed.set(name, value)}
    />
  );
}

export function Count({ name, typed, help }: { name: FieldName; typed: Typed; help?: string }) {
  return (
    <Field
      label={catalogue[name]}
      help={help}
      inputMode="numeric"
      autoComplete="off"
      value={typed.values[name] ?? ""}
      onValueChange={(value) => typed.set(name, value.replaceAll(/\D/g, ""))}
    />
  );
}

/** What is typed into a form that begins with these values. */
export function useTyped(given: Record<string, string | number | null>): Typed {
  const first = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value ?? "")]));
  const [changed, setChanged] = useState<Record<string, string>>({});
  return {
    values: { ...first, ...changed },
    set: (name, value) => setChanged((before) => ({ ...before, [name]: value })),
  };
}

/** A number as it was typed; null where nothing was. */
export function numberOf({ values }: Typed, name: FieldName): number | null {
  const text = values[name]?.trim();
  return text ? Number(text) : null;
}

export function textOf({ values }: Typed, name: FieldName | "reason"): string {
  return values[name]?.trim() ?? "";
}
