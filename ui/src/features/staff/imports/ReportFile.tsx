import { useId, useState, type ChangeEvent } from "react";
import { Notice } from "@/ui/Notice";
import { Section } from "@/ui/Section";
import { words } from "@/words";
import { readReport, type Report } from "./report";
import { ReportView } from "./ReportView";

const { imports } = words.staff;

interface Read {
  name: string;
  report: Report | null;
}

/** A report opened from a file. It is read here in the browser and sent nowhere. */
export function ReportFile() {
  const id = useId();
  const [read, setRead] = useState<Read | null>(null);
  const open = async (event: ChangeEvent<HTMLInputElement>) => {
    const file = event.target.files?.[0];
    if (file) setRead({ name: file.name, report: readReport(await file.text()) });
  };
  return (
    <>
      <Section title={imports.openTitle}>
        <div className="grid grid-cols-1 gap-1.5">
          <label htmlFor={id} className="font-medium">
            {imports.open}
          </label>
          <input
            id={id}
            type="file"
            accept="application/json,.json"
            aria-describedby={`${id}-help`}
            onChange={(event) => void open(event)}
            className="max-w-full file:mr-3 file:min-h-11 file:cursor-pointer file:rounded-control file:border file:border-edge file:bg-surface file:px-3.5 file:font-medium file:text-ink"
          />
          <p id={`${id}-help`} className="text-small text-soft wrap-anywhere">
            {imports.openHelp} <code className="font-mono">{imports.command}</code>
          </p>
        </div>
      </Section>
      {read && !read.report ? (
        <Notice tone="bad" urgent title={imports.unreadable(read.name)}>
          {imports.unreadableHelp}
        </Notice>
      ) : null}
      {read?.report ? (
        <section aria-label={imports.reportOf(read.name)} className="grid gap-5">
          <h2 className="text-large font-semibold wrap-anywhere">{imports.reportOf(read.name)}</h2>
          <ReportView report={read.report} />
        </section>
      ) : null}
    </>
  );
}
