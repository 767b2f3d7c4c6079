import { expect, test } from "vitest";
import { netmask } from "./netmask";

test.each([
  [0, "0.0.0.0"],
  [8, "255.0.0.0"],
  [22, "255.255.252.0"],
  [26, "255.255.255.192"],
  [32, "255.255.255.255"],
])("/%i is %s", (prefix, mask) => {
  expect(netmask(prefix)).toBe(mask);
});
