import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "@/api/client";
import { ApiError } from "@/api/errors";

export const factorQuery = () =>
  queryOptions({ queryKey: ["account", "factor"], queryFn: () => unwrap(api.GET("/v1/users/me/two-factor")) });

/** Shows the service once more who one is. */
export const prove = (body: { password: string; otp?: string }) => unwrap(api.POST("/v1/users/me/proof", { body }));

/** Whether the service wants to know again who one is before it does this. */
export function wantsProof(error: unknown): boolean {
  return error instanceof ApiError && error.problem.code === "step_up_required";
}
