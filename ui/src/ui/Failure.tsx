import { words } from "@/words";
import { Button } from "./Button";
import { Notice } from "./Notice";
import { StaffDetails } from "./StaffDetails";

interface Props {
  title: string;
  message: string;
  requestId: string | null;
  debug: string | null;
  onRetry?: (() => void) | undefined;
}

/** What failed, why, what to tell the helpdesk, and the way on. */
export function Failure({ title, message, requestId, debug, onRetry }: Props) {
  const retry = onRetry ? <Button onClick={onRetry}>{words.common.retry}</Button> : null;
  return (
    <Notice tone="bad" urgent title={title} action={retry}>
      <p>{message}</p>
      {requestId ? (
        <p className="mt-1 text-small">
          {words.common.requestId}: <span className="font-mono">{requestId}</span>
        </p>
      ) : null}
      {debug ? <StaffDetails text={debug} /> : null}
    </Notice>
  );
}
