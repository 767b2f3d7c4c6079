import { expect, test } from "vitest";
import { edgesOf, rowAt } from "./edges";

const edges = edgesOf(4, (index) => [10, 20, 30, 40][index]!, 2);

test("rows stand below each other, with gaps", () => {
  expect([...edges]).toEqual([0, 12, 34, 66, 108]);
});

test.each([
  [-50, 0],
  [0, 0],
  [11, 0],
  [12, 1],
  [65, 2],
  [66, 3],
  [9_999, 3],
])("at %s px stands row %s", (px, row) => {
  expect(rowAt(edges, px)).toBe(row);
});

test("where there is none, the first is meant", () => {
  expect(
    rowAt(
      edgesOf(0, () => 10, 0),
      5,
    ),
  ).toBe(0);
});
