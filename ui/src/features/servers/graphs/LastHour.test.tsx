import { screen, within } from "@testing-library/react";
import { http, HttpResponse } from "msw";
import { expect, test } from "vitest";
import { aServer } from "@/mock/fixtures";
import { openServer } from "@/mock/serverPage";
import { network } from "@/mock/setup";

function answer(data: object[], status = 200) {
  network.use(
    http.get("*/v1/servers/:id/metrics", () =>
      HttpResponse.json({ object: "metrics", timeframe: "hour", step: 60, data }, { status }),
    ),
  );
}

const at = (minute: number, cpu: number | null, net_in = 0) => {
  const rest = { memory: 2 ** 30, disk_read: 0, disk_write: 0, net_out: 0 };
  return { t: `2026-11-01T10:0${minute}:00Z`, cpu, net_in, ...rest };
};

/** Opened from another tab, so that the answer is the one given. */
async function openOverview(data: object[], status?: number) {
  const { user } = await openServer(aServer(), "/history");
  answer(data, status);
  await user.click(screen.getByRole("link", { name: "Overview" }));
}

const section = () => screen.findByRole("region", { name: "The last hour" });

test("the overview shows what was used in the last hour; a gap is no zero, and is said", async () => {
  await openOverview([at(0, 0.5), at(1, null), at(2, 0.25, 2048)]);
  const cpu = (await within(await section()).findByText("CPU")).closest("li")!;
  expect(cpu).toHaveTextContent("CPU25 %, at most 50 %, with gaps");
  expect(cpu.querySelector("path")!.getAttribute("d")!.match(/M/g)).toHaveLength(2);
  const traffic = screen.getByText("Network", { selector: "p" }).closest("li")!;
  expect(traffic).toHaveTextContent("Received 2 KiB/s, at most 2 KiB/sSent 0 B/s, at most 0 B/s");
  expect(await section()).not.toHaveTextContent("Disk");
});

test("what cannot be measured is said, and the rest of the page stays", async () => {
  await openOverview([], 503);
  expect(await screen.findByText("The measurements could not be loaded")).toBeVisible();
  expect(screen.getByRole("region", { name: "Specifications" })).toBeVisible();
});

test("a server without a machine has no last hour", async () => {
  await openServer(aServer({ status: "unlinked" }));
  await screen.findByRole("region", { name: "Specifications" });
  expect(screen.queryByRole("region", { name: "The last hour" })).toBeNull();
});
