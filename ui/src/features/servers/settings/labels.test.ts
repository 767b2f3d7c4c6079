import { expect, test } from "vitest";
import { labelsText, readLabels } from "./labels";

test("labels are read as they are written", () => {
  const labels = { team: "web", env: "a: b" };
  expect(labelsText(labels)).toBe("env: a: b\nteam: web");
  expect(readLabels(labelsText(labels))).toEqual({ labels });
  expect(readLabels("\n  env :  prod \n")).toEqual({ labels: { env: "prod" } });
  expect(readLabels("")).toEqual({ labels: {} });
});

test("a line that is no label is named", () => {
  expect(readLabels("env: a\n\nnonsense")).toEqual({ mistake: "Line 3 is not of the form “key: value”." });
});
