import { expect, test } from "vitest";
import { ApiError } from "@/api/errors";
import { dryRun } from "./queries";

const refused = (code: string) =>
  new ApiError({
    type: "/docs/problems#invalid",
    title: "Invalid",
    status: 422,
    detail: "",
    instance: "/v1/servers",
    code: "invalid",
    request_id: "r",
    retryable: false,
    errors: [{ pointer: "/plan", code, message: "" }],
  });

test.each([
  ["no_capacity", 5_000],
  ["unknown", false],
])("an order refused for %s is tried again after %s", (code, expected) => {
  const again = dryRun(null).refetchInterval as unknown as (query: { state: { error: unknown } }) => unknown;
  expect(again({ state: { error: refused(code) } })).toBe(expected);
  expect(again({ state: { error: null } })).toBe(false);
});
