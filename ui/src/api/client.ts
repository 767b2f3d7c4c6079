import createClient from "openapi-fetch";
import { toApiError } from "./errors";
import type { paths } from "./schema";
import { authorizedFetch } from "./session";

/** The typed client: every call of openapi.json, as the signed-in user. */
export const api = createClient<paths>({ baseUrl: globalThis.location?.origin, fetch: authorizedFetch });

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The body of a good answer. Throws ApiError for any other, Unreachable for none. */
export async function unwrap<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer;
  if (!response.ok) throw toApiError(error, response);
  return data as T;
}
