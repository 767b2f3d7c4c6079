import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "wouter";
import { hasStatus } from "@/api/errors";
import type { ImportRunReport } from "@/api/types";
import { Loaded } from "@/features/staff/Loaded";
import { staffQueries } from "@/features/staff/queries";
import { paths } from "@/paths";
import { EmptyState } from "@/ui/EmptyState";
import { Notice } from "@/ui/Notice";
import { Section } from "@/ui/Section";
import { Time } from "@/ui/Time";
import { words } from "@/words";
import { runState } from "./ImportsPage";
import { asReport } from "./report";
import { ReportView } from "./ReportView";

const { imports } = words.staff;

/** One run of the importer: what it reported, and what became of its servers since. */
export function ImportPage() {
  const { id = "" } = useParams();
  const run = useQuery(staffQueries.import(id));
  if (hasStatus(run.error, 404)) return <EmptyState title={imports.gone} help={imports.goneHelp} />;
  return <Loaded query={run}>{(found) => <Run run={found} />}</Loaded>;
}

function Run({ run }: { run: ImportRunReport }) {
  const report = asReport(run.report);
  return (
    <div className="grid gap-5">
      <header>
        <h2 className="text-title font-semibold wrap-anywhere">{imports.runOf(run.source)}</h2>
        <p role="status" className="text-soft">
          <Time at={run.started_at} /> · {runState(run)}
        </p>
      </header>
      {run.finished_at ? null : (
        <Notice tone="warn" title={imports.unfinished}>
          {imports.unfinishedHelp}
        </Notice>
      )}
      {report ? (
        <>
          <ReportView report={report} adoption={<Adoption run={run} />} />
          <p className="text-small text-soft">{imports.keptHelp}</p>
        </>
      ) : (
        <Adoption run={run} />
      )}
      <Section title={imports.rollback}>
        <p className="text-soft wrap-anywhere">
          {imports.rollbackHelp} <code className="font-mono">{imports.rollbackCommand(run.id)}</code>
        </p>
      </Section>
    </div>
  );
}

function Adoption({ run: { adoption } }: { run: ImportRunReport }) {
  if (adoption.length === 0) return null;
  return (
    <Section title={imports.adoption}>
      <ul aria-label={imports.adoption} className="grid gap-3">
        {adoption.map(({ became, code, detail, count, servers }) => (
          <li key={`${became} ${code}`} className="wrap-anywhere">
            <p>
              <span className="font-medium">{imports.became[became]}</span>{" "}
              <span className="text-soft">{imports.count(count, "servers")}</span>
            </p>
            {detail ? <p className="text-small text-soft">{detail}</p> : null}
            <details className="text-small">
              <summary className="cursor-pointer text-soft">{imports.show(servers.length, count)}</summary>
              <ul className="mt-1 grid gap-1">
                {servers.map((server) => (
                  <li key={server.id}>
                    <Link className="link" to={paths.server(server.id)}>
                      {server.name}
                    </Link>{" "}
                    <span className="text-soft">{imports.guest(server.source_id, server.cluster, server.vmid)}</span>
                  </li>
                ))}
              </ul>
            </details>
          </li>
        ))}
      </ul>
    </Section>
  );
}
