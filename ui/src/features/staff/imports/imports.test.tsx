import { screen, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { renderApp } from "@/mock/app";
import { admin } from "@/mock/fixtures";
import { anImportRun, aReport } from "@/mock/staff";
import { grouped, readReport, warningGroups } from "./report";

const file = (text: string, name = "report.json") => new File([text], name, { type: "application/json" });

test("a dry run's report is read from its file, in words, and sent nowhere", async () => {
  const { user } = renderApp("/admin/imports", { user: admin });
  expect(await screen.findByText("Nothing has been imported yet")).toBeVisible();
  await user.upload(screen.getByLabelText("Report file"), file(JSON.stringify(aReport())));
  const report = await screen.findByRole("region", { name: "Report in report.json" });
  expect(report).toHaveTextContent("A dry run, nothing was written: 2 rows would be created, 1 updated.");
  const servers = within(report).getByRole("row", { name: /Servers/ });
  expect(
    within(servers)
      .getAllByRole("cell")
      .map((cell) => cell.textContent),
  ).toEqual(["9", "2", "1", "3", "1", "2"]);
  const quarantined = within(report).getByRole("list", { name: "Set aside" });
  expect(quarantined).toHaveTextContent("An option is not in the mapping 2 servers");
  expect(quarantined).toHaveTextContent("Ids 17, 18");
  expect(report).toHaveTextContent("Option: Panel");
  expect(report).toHaveTextContent("No image for “CentOS 6”");
  expect(report).toHaveTextContent("Names a VM that may be adopted 1 server");
  expect(report).toHaveTextContent("abc123");
});

test("what the mapping leaves out is refused, and said so", async () => {
  const { user } = renderApp("/admin/imports", { user: admin });
  const mapping = { ...(aReport()["mapping"] as object), complete: false };
  await user.upload(await screen.findByLabelText("Report file"), file(JSON.stringify(aReport({ mapping }))));
  expect(await screen.findByText("Refused: the mapping does not speak of 1 sold thing.")).toBeVisible();
});

test("a file that is no report is told from one", async () => {
  const { user } = renderApp("/admin/imports", { user: admin });
  await user.upload(await screen.findByLabelText("Report file"), file("{}", "notes.json"));
  expect(await screen.findByRole("alert")).toHaveTextContent("notes.json is no report of the importer");
  expect(readReport("not json")).toBeNull();
});

test("a run tells what it brought and what became of its servers", async () => {
  const { db, user } = renderApp("/admin/imports", { user: admin });
  db.staff.imports = [anImportRun(), anImportRun({ id: "run_0", finished_at: null })];
  const runs = await screen.findByRole("list", { name: "Import runs" });
  expect(runs).toHaveTextContent("2 to create, 1 to update");
  expect(runs).toHaveTextContent("Not finished");
  await user.click(within(runs).getAllByRole("link", { name: "Import of whmcs" })[0]!);
  const adoption = await screen.findByRole("list", { name: "Virtual machines" });
  expect(adoption).toHaveTextContent("Not adopted 30 servers");
  expect(within(adoption).getByRole("link", { name: "lost" })).toHaveAttribute("href", "/servers/srv_9");
  expect(screen.getByText("whmcs-import rollback run_1")).toBeVisible();
});

test("a run that nobody knows is said to be none", async () => {
  renderApp("/admin/imports/run_x", { user: admin });
  expect(await screen.findByText("There is no such run")).toBeVisible();
});

test("rows are put together by reason, the most frequent first; kept warnings are together already", () => {
  const rows = ["a", "b", "b"].map((reason, n) => ({ entity: "servers", source_id: String(n), reason }));
  expect(grouped(rows).map(({ reason, count, ids }) => [reason, count, ids])).toEqual([
    ["b", 2, ["1", "2"]],
    ["a", 1, ["0"]],
  ]);
  const report = readReport(JSON.stringify(aReport()))!;
  const kept = [{ entity: "users", code: "no_owner", count: 5, source_ids: ["1"] }];
  expect(warningGroups({ ...report, warnings: [...kept, ...report.warnings] }).map(({ count }) => count)).toEqual([
    5, 1,
  ]);
});
