import { useEffect, useState } from "react";
import { useSettled } from "@/lib/hooks";
import { useSearchParams } from "@/lib/location";
import { Field } from "@/ui/Field";

const TYPING_MS = 250;

/** What is looked for; it stands in the URL once the typing pauses. */
export function useSearched(): string {
  return useSearchParams()[0].get("q") ?? "";
}

export function Search({ label, help }: { label: string; help: string }) {
  const [params, setParams] = useSearchParams();
  const [typed, setTyped] = useState(params.get("q") ?? "");
  const wanted = useSettled(typed.trim(), TYPING_MS);
  useEffect(() => setParams(wanted ? { q: wanted } : {}, { replace: true }), [wanted, setParams]);
  return (
    <div role="search" className="max-w-md">
      <Field label={label} help={help} type="search" autoComplete="off" value={typed} onValueChange={setTyped} />
    </div>
  );
}
