import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "./client";

/** The accounts that the signed-in user acts for. */
export const accountsQuery = () =>
  queryOptions({
    queryKey: ["account", "accounts"] as const,
    queryFn: async ({ signal }) =>
      (await unwrap(api.GET("/v1/accounts", { params: { query: { limit: 200 } }, signal }))).data,
  });
