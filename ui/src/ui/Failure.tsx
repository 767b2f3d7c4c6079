import { words } from "@/words";
import { Button } from "./Button";
import { Notice } from "./Notice";
import { StaffDetails } from "./StaffDetails";
import { Timed } from "./Timed";

interface Props {
  title: string;
  message: string;
  requestId: string | null;
  debug: string | null;
  /** When what is shown besides was read (ms); 0 or nothing: nothing is. */
  knownAt?: number | undefined;
  onRetry?: (() => void) | undefined;
}

/** What failed, why, what to tell the helpdesk, and the way on. */
export function Failure({ title, message, requestId, debug, knownAt, onRetry }: Props) {
  const retry = onRetry ? <Button onClick={onRetry}>{words.common.retry}</Button> : null;
  return (
    <Notice tone="bad" urgent title={title} action={retry}>
      <p>{message}</p>
      {knownAt ? (
        <p>
          <Timed say={words.errors.stale} at={new Date(knownAt).toISOString()} as="clock" />
        </p>
      ) : null}
      {requestId ? (
        <p className="mt-1 text-small">
          {words.common.requestId}: <span className="font-mono">{requestId}</span>
        </p>
      ) : null}
      {debug ? <StaffDetails text={debug} /> : null}
    </Notice>
  );
}
