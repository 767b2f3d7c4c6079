import { words } from "@/words";
import type { Problem } from "./types";

/** The API said no: carries its problem document (RFC 9457). */
export class ApiError extends Error {
  constructor(
    readonly problem: Problem,
    readonly retryAfter: number | null = null,
  ) {
    super(problem.detail);
    this.name = "ApiError";
  }

  get status(): number {
    return this.problem.status;
  }

  /** The message for one field of the request, by JSON pointer ("/name"). */
  field(pointer: string): string | undefined {
    return this.problem.errors.find((error) => error.pointer === pointer)?.message;
  }
}

/** No answer came at all: the network or the service is down. */
export class Unreachable extends Error {
  constructor(cause?: unknown) {
    super("The service did not answer.", { cause });
    this.name = "Unreachable";
  }
}

export function hasStatus(error: unknown, status: number): boolean {
  return error instanceof ApiError && error.status === status;
}

function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && "status" in body && "title" in body;
}

/** A proxy in front of the service may answer without a problem document; this makes one. */
export function toApiError(body: unknown, response: Response): ApiError {
  const retryAfter = Number(response.headers.get("Retry-After")) || null;
  if (isProblem(body)) return new ApiError(body, retryAfter);
  const request_id = response.headers.get("X-Request-Id") ?? "";
  const { status } = response;
  const title = response.statusText || "The request failed";
  return new ApiError(
    {
      type: "about:blank",
      title,
      status,
      code: "unknown",
      detail: title,
      instance: "",
      retryable: status >= 500,
      errors: [],
      blocking_operation: null,
      request_id,
    },
    retryAfter,
  );
}

/** `fetch`, except that silence is an `Unreachable` (and an abort stays an abort). */
export async function send(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    if (request.signal.aborted) throw error;
    throw new Unreachable(error);
  }
}

export interface Failed {
  message: string;
  requestId: string | null;
  debug: string | null;
}

/** An error as people read it. */
export function describe(error: unknown): Failed {
  if (error instanceof ApiError) return describeProblem(error);
  const message = error instanceof Unreachable ? words.errors.unreachable : words.errors.unexpected;
  return { message, requestId: null, debug: null };
}

function describeProblem({ message, problem, retryAfter }: ApiError): Failed {
  const again = retryAfter && problem.status === 429 ? ` ${words.errors.retryAfter(retryAfter)}` : "";
  const debug = problem.debug == null ? null : JSON.stringify(problem.debug, null, 2);
  return { message: message + again, requestId: problem.request_id || null, debug };
}
