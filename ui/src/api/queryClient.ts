import { QueryClient } from "@tanstack/react-query";
import { ApiError } from "./errors";
import { onSwitch } from "./session";

const TRIES = 2;

/** A clear no is final; silence and a 5xx are worth another try. */
function worthRetrying(failures: number, error: Error): boolean {
  return failures < TRIES && !(error instanceof ApiError && error.status < 500);
}

export function createQueryClient(retry: boolean = true): QueryClient {
  const client = new QueryClient({
    defaultOptions: {
      // The stream keeps the cache fresh; this only bounds what a missed event could hide.
      queries: { staleTime: 30_000, networkMode: "always", retry: retry ? worthRetrying : false },
      mutations: { networkMode: "always" },
    },
  });
  onSwitch(() => client.clear());
  return client;
}
