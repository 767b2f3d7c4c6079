import type { ReactNode } from "react";
import { Copy } from "@/ui/Copy";
import { Facts } from "@/ui/Facts";
import { Notice } from "@/ui/Notice";
import { Section } from "@/ui/Section";
import { Time } from "@/ui/Time";
import { words } from "@/words";
import { Groups } from "./Groups";
import { candidates, changes, grouped, skipped, warningGroups, type Report, type Unmapped } from "./report";
import { Tallies } from "./Tallies";

const { imports } = words.staff;

/** What a run of the importer would do or has done, for people. `adoption`: what became of it since, where known. */
export function ReportView({ report, adoption }: { report: Report; adoption?: ReactNode }) {
  const { quarantined, vanished, mapping } = report;
  return (
    <div className="grid gap-5">
      <Verdict report={report} />
      <Section title={imports.entities}>
        <Tallies entities={report.entities} />
      </Section>
      <div className="packed">
        <Groups title={imports.quarantined} help={imports.quarantinedHelp} groups={grouped(quarantined)} />
        <Groups title={imports.warnings} help={imports.warningsHelp} groups={warningGroups(report)} />
        <Groups title={imports.skipped} help={imports.skippedHelp} groups={skipped(report)} />
        <Groups title={imports.vanished} help={imports.vanishedHelp} groups={grouped(vanished)} />
        <UnmappedOptions rows={[...mapping.unmapped_options, ...mapping.unmapped_values]} />
        {adoption ?? <Groups title={imports.adoption} help={imports.adoptionHelp} groups={candidates(report)} />}
        <Origin report={report} />
      </div>
    </div>
  );
}

function Verdict({ report }: { report: Report }) {
  const { create, update } = changes(report);
  const refused = report.mapping.complete === false;
  if (refused)
    return (
      <Notice tone="bad" title={imports.refused(report.mapping.unmapped_options.length)}>
        {imports.refusedHelp}
      </Notice>
    );
  if (create + update === 0) return <Notice tone="good" title={imports.nothing} />;
  return (
    <Notice
      tone={report.quarantined.length > 0 ? "warn" : "good"}
      title={imports.verdict(create, update, report.dry_run === true)}
    >
      {report.quarantined.length > 0 ? imports.someQuarantined(report.quarantined.length) : imports.noneQuarantined}
    </Notice>
  );
}

function UnmappedOptions({ rows }: { rows: readonly Unmapped[] }) {
  if (rows.length === 0) return null;
  return (
    <Section title={imports.unmapped}>
      <p className="text-soft">{imports.unmappedHelp}</p>
      <ul className="grid gap-3">
        {rows.map((row) => (
          <li key={[row.kind, row.name, row.target, row.value].join(" ")} className="wrap-anywhere">
            <p className="font-medium">
              {row.target ? imports.noValue(row.target, row.value) : `${words.readable(row.kind ?? "")}: ${row.name}`}
            </p>
            <p className="text-small text-soft">
              {imports.onServices(row.count, row.services)}
              {row.values ? ` ${imports.values(Object.keys(row.values))}` : null}
            </p>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Origin({ report: { source, mapping, plan_hash, totals, live } }: { report: Report }) {
  const facts: (readonly [string, ReactNode])[] = [
    [imports.source, [source.name, source.address].filter(Boolean).join(", ") || words.common.none],
    [imports.version, source.version ?? words.common.none],
    [imports.read, source.snapshot_at ? <Time key="read" at={source.snapshot_at} /> : words.common.none],
    [imports.mapping, mapping.file ?? words.common.none],
    [imports.planHash, <Copy key="hash" text={plan_hash} what={imports.planHash} />],
  ];
  const money = totals.map(({ amount, currency, cycle }) => `${amount} ${currency} ${cycle}`).join(", ");
  return (
    <Section title={imports.origin}>
      <Facts
        facts={[
          ...facts,
          ...(money ? [[imports.money, money] as const] : []),
          ...(live ? [[imports.asked, <Time key="live" at={live.at} />] as const] : []),
        ]}
      />
    </Section>
  );
}
