import { openStream, type StreamEvent, type StreamListener } from "./stream";

/** What the tab that listens tells the others. Whoever joins asks how it stands. */
type Message = { event: StreamEvent } | { live: boolean } | "gap" | "hello";

/**
 * `openStream`, once for all tabs of a browser which give the same `name`: one of them listens and tells the others, and
 * when it is closed another takes its place. Browsers keep few connections open to a site, however many tabs it has.
 */
export function shareStream(name: string, listener: StreamListener): () => void {
  // A page that came over plain HTTP has no locks.
  if (!("locks" in navigator)) return openStream(listener);
  const channel = new BroadcastChannel(name);
  const over = new AbortController();
  follow(channel, listener);
  navigator.locks
    .request(name, { signal: over.signal }, () => lead(channel, listener, over.signal))
    .catch(() => undefined);
  return () => {
    over.abort();
    channel.close();
  };
}

function follow(channel: BroadcastChannel, listener: StreamListener): void {
  let known: boolean | undefined;
  let caughtUp = false;
  const catchUp = () => {
    caughtUp = true;
    listener.onGap();
  };
  channel.onmessage = ({ data }: MessageEvent<Message>) => {
    if (data === "hello") return;
    if (data === "gap") return catchUp();
    if ("event" in data) return listener.onEvent(data.event);
    if (data.live === known) return;
    known = data.live;
    // What was told before this tab could hear it was missed.
    if (known && !caughtUp) catchUp();
    listener.onState(known);
  };
  channel.postMessage("hello" satisfies Message);
}

/** Holds the place until `over`. */
async function lead(channel: BroadcastChannel, listener: StreamListener, over: AbortSignal): Promise<void> {
  if (over.aborted) return;
  const tell = (message: Message) => channel.postMessage(message);
  let live: boolean | undefined;
  channel.onmessage = ({ data }: MessageEvent<Message>) => {
    if (data === "hello" && live !== undefined) tell({ live });
  };
  const close = openStream({
    onEvent: (event) => {
      tell({ event });
      listener.onEvent(event);
    },
    onGap: () => {
      tell("gap");
      listener.onGap();
    },
    onState: (now) => {
      live = now;
      tell({ live });
      listener.onState(now);
    },
  });
  await new Promise((resolve) => over.addEventListener("abort", resolve));
  close();
}
