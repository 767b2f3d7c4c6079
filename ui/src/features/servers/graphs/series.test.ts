import { expect, test } from "vitest";
import type { Measurement } from "@/api/types";
import { csv, path, top } from "./series";

const at = (cpu: number | null, n = 0): Measurement => ({
  t: `2026-11-01T00:0${n}:00Z`,
  cpu,
  memory: null,
  disk_read: 0,
  disk_write: 0,
  net_in: 5,
  net_out: 0,
});

test("a gap breaks the line and is no zero", () => {
  expect(path([at(0), at(1), at(null), at(1), at(0)], "cpu", 1)).toBe(
    "M0.0000 1.0000L0.2500 0.0000M0.7500 0.0000L1.0000 1.0000",
  );
});

test("a point between two gaps can be seen", () => {
  expect(path([at(null), at(1), at(null)], "cpu", 1)).toBe("M0.5000 0.0000h0.002");
});

test("nothing measured is an empty line under a finite edge", () => {
  expect(path([at(null)], "cpu", top([at(null)], ["cpu"]))).toBe("");
  expect(top([], ["cpu"])).toBe(1);
});

test("the table for programs leaves empty what was not measured", () => {
  expect(csv([at(0.5)])).toBe("t,cpu,memory,disk_read,disk_write,net_in,net_out\n2026-11-01T00:00:00Z,0.5,,0,0,5,0");
});
