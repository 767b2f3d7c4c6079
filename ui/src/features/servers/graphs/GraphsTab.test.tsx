import { screen, waitFor } from "@testing-library/react";
import { http, HttpResponse } from "msw";
import { expect, test } from "vitest";
import { aServer } from "@/mock/fixtures";
import { openServer } from "@/mock/serverPage";
import { network } from "@/mock/setup";

const at = (minute: number, cpu: number | null) => ({
  t: `2026-11-01T10:0${minute}:00Z`,
  cpu,
  memory: 2 ** 30,
  disk_read: 0,
  disk_write: 2048,
  net_in: 0,
  net_out: 0,
});

function measured(...data: ReturnType<typeof at>[]) {
  const asked: (string | null)[] = [];
  network.use(
    http.get("*/v1/servers/:id/metrics", ({ request }) => {
      const timeframe = new URL(request.url).searchParams.get("timeframe");
      asked.push(timeframe);
      return HttpResponse.json({ object: "metrics", timeframe, step: 60, data });
    }),
  );
  return asked;
}

async function openGraphs() {
  const server = aServer();
  const app = await openServer(server, "/history");
  return { ...app, go: () => app.user.click(screen.getByRole("link", { name: "Graphs" })) };
}

test("arrow keys move along all lines at once, and a gap is called one", async () => {
  const { user, go } = await openGraphs();
  measured(at(0, 0.25), at(1, null), at(2, 0.5));
  await go();
  const cpu = await screen.findByRole("slider", { name: /^CPU from/ });
  expect(cpu.querySelector("time")).toHaveAttribute("title", "Nov 1, 2026, 10:00:00 AM UTC");
  expect(cpu).toHaveAttribute("aria-valuetext", expect.stringContaining("Used 50 %"));
  cpu.focus();
  await user.keyboard("{ArrowLeft}");
  expect(cpu).toHaveAttribute("aria-valuetext", expect.stringContaining("not measured"));
  const disk = screen.getByRole("slider", { name: /^Disk from/ });
  expect(disk).toHaveAttribute("aria-valuenow", "1");
  expect(disk).toHaveAttribute("aria-valuetext", expect.stringContaining("Written 2 KiB/s"));
});

test("the time stands in the URL, and the values in a table and a file", async () => {
  const { user, go, url } = await openGraphs();
  const asked = measured(at(0, 0.25));
  await go();
  await user.selectOptions(await screen.findByLabelText("Show"), "The last week");
  await waitFor(() => expect(asked).toEqual(["hour", "week"]));
  expect(url()).toMatch(/\/graphs\?timeframe=week$/);
  expect(await screen.findByRole("link", { name: "Download CSV" })).toHaveAttribute(
    "href",
    expect.stringContaining("0.25"),
  );
  await user.click(screen.getByText("As a table"));
  expect(screen.getByRole("columnheader", { name: "CPU, Used" })).toBeVisible();
});

test("before anything was measured it says so; what failed can be tried again", async () => {
  const { user, go } = await openGraphs();
  measured();
  const problem = {
    title: "Away",
    detail: "The hypervisor cannot be asked.",
    status: 503,
    code: "unavailable",
    request_id: "req_6",
    errors: [],
  };
  network.use(http.get("*/v1/servers/:id/metrics", () => HttpResponse.json(problem, { status: 503 }), { once: true }));
  await go();
  expect(await screen.findByRole("alert")).toHaveTextContent("The hypervisor cannot be asked.");
  await user.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByText("Nothing was measured yet")).toBeVisible();
});
