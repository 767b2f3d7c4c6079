import { EventSourceParserStream } from "eventsource-parser/stream";
import { toApiError } from "./errors";
import { authorizedFetch, hasSignedOut, onLeaving } from "./session";

export interface StreamEvent {
  type: string;
  data: unknown;
}

export interface StreamListener {
  onEvent: (event: StreamEvent) => void;
  /** Changes may have been missed: the stream begins anew instead of resuming. */
  onGap: () => void;
  onState: (live: boolean) => void;
}

/** Silence longer than this is a dead connection: the service sends at least a comment every 15 s. */
const SILENCE_MS = 45_000;
const SHORT_LIFE_MS = 1_000;
const BACKOFF_MS = [500, 1_000, 2_000, 4_000, 8_000, 15_000];

class Stream {
  private readonly closed = new AbortController();
  private lastId: string | undefined;
  private failures = 0;

  constructor(
    private readonly listener: StreamListener,
    private readonly backoff: readonly number[],
  ) {}

  close(): void {
    this.closed.abort();
  }

  async run(): Promise<void> {
    while (!this.closed.signal.aborted) {
      const started = Date.now();
      const ended = await this.connect().then(
        () => true,
        () => false,
      );
      if (this.closed.signal.aborted || (await hasSignedOut())) return;
      // The service ends a stream when its token expires: that is no failure, unless it does so at once.
      if (ended && Date.now() - started > SHORT_LIFE_MS) continue;
      this.listener.onState(false);
      await this.pause();
    }
  }

  private async connect(): Promise<void> {
    const connection = new AbortController();
    const abort = () => connection.abort();
    this.closed.signal.addEventListener("abort", abort);
    const stay = onLeaving(abort);
    const watchdog = new Watchdog(abort);
    try {
      const body = await this.open(connection.signal);
      await this.read(body, watchdog);
    } finally {
      watchdog.stop();
      stay();
      this.closed.signal.removeEventListener("abort", abort);
    }
  }

  private async open(signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (this.lastId) headers["Last-Event-ID"] = this.lastId;
    const response = await authorizedFetch(
      new Request(new URL("/v1/events", window.location.origin), { headers, signal }),
    );
    if (!response.ok || !response.body) throw await this.refused(response);
    if (!this.lastId) this.listener.onGap();
    this.failures = 0;
    this.listener.onState(true);
    return response.body;
  }

  private async refused(response: Response): Promise<Error> {
    const error = toApiError(await response.json().catch(() => null), response);
    if (error.problem.code === "position_reset") this.lastId = undefined;
    return error;
  }

  private async read(body: ReadableStream<Uint8Array>, watchdog: Watchdog): Promise<void> {
    const heard = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, out) {
        watchdog.hear();
        out.enqueue(chunk);
      },
    });
    const text = new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>;
    const reader = body.pipeThrough(heard).pipeThrough(text).pipeThrough(new EventSourceParserStream()).getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      this.listener.onEvent({ type: next.value.event ?? "message", data: JSON.parse(next.value.data) });
      this.lastId = next.value.id ?? this.lastId;
    }
  }

  private pause(): Promise<void> {
    const base = this.backoff[Math.min(this.failures, this.backoff.length - 1)] ?? 0;
    this.failures += 1;
    return new Promise((resolve) => {
      setTimeout(resolve, base * (0.75 + Math.random() / 2));
      this.closed.signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }
}

class Watchdog {
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly bark: () => void) {
    this.hear();
  }

  hear(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(this.bark, SILENCE_MS);
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}

/**
 * Read /v1/events for as long as the session lasts, resuming where it broke off.
 * EventSource cannot send an Authorization header, and a token does not belong in a URL.
 * `backoff` gives the pauses (ms) after the first, second, … failure in a row. Returns the function that closes it.
 */
export function openStream(listener: StreamListener, backoff = BACKOFF_MS): () => void {
  const stream = new Stream(listener, backoff);
  void stream.run();
  return () => stream.close();
}
