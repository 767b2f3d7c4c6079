import { useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { staffQueries } from "@/features/staff/queries";
import { Button } from "@/ui/Button";
import { Select } from "@/ui/Select";
import { Small } from "@/ui/Small";
import { words } from "@/words";

const { catalogue } = words.staff;

/** Where a template is, as it was typed. */
export interface TypedTemplate {
  cluster: string;
  node: string;
  vmid: string;
}

export const NONE: TypedTemplate = { cluster: "", node: "", vmid: "" };

/** The templates as the service takes them; rows without a number say nothing. */
export function templatesOf(rows: readonly TypedTemplate[]) {
  return rows
    .filter(({ vmid }) => vmid)
    .map(({ cluster, node, vmid }) => ({ cluster, node: node.trim() || null, vmid: Number(vmid) }));
}

interface Props {
  rows: readonly TypedTemplate[];
  onChange: (rows: TypedTemplate[]) => void;
}

/** Where an image is copied from: a template of a whole cluster, or one on each node. */
export function Templates({ rows, onChange }: Props) {
  const names = useQuery(staffQueries.clusters()).data?.data.map(({ name }) => name) ?? [];
  const known = rows.map((row) => ({ ...row, cluster: row.cluster || (names[0] ?? "") }));
  const change = (at: number, part: Partial<TypedTemplate>) =>
    onChange(known.map((row, n) => (n === at ? { ...row, ...part } : row)));
  return (
    <fieldset className="grid gap-3">
      <legend className="mb-2 font-medium">{catalogue.templates}</legend>
      {known.map((row, n) => (
        // oxlint-disable-next-line no-array-index-key -- rows have no name but their place
        <div key={n} className="grid grid-cols-2 items-end gap-2 sm:grid-cols-[1fr_1fr_1fr_auto]">
          <Select
            label={catalogue.cluster}
            value={row.cluster}
            options={names.map((name) => ({ value: name, label: name }))}
            onChange={(cluster) => change(n, { cluster })}
          />
          <Small label={catalogue.vmid} value={row.vmid} onChange={(vmid) => change(n, { vmid: digits(vmid) })} />
          <Small
            label={catalogue.node}
            value={row.node}
            placeholder={catalogue.nodeAny}
            onChange={(node) => change(n, { node })}
          />
          <Button
            kind="quiet"
            className="justify-self-start"
            aria-label={catalogue.removeTemplate(n + 1)}
            icon={<X aria-hidden size={16} />}
            reason={known.length === 1 ? catalogue.nowhere : null}
            onClick={() => onChange(known.filter((_, at) => at !== n))}
          />
        </div>
      ))}
      <p className="text-small text-soft">{catalogue.templatesHelp}</p>
      <Button className="justify-self-start" onClick={() => onChange([...known, NONE])}>
        {catalogue.addTemplate}
      </Button>
    </fieldset>
  );
}

const digits = (text: string) => text.replaceAll(/\D/g, "");
