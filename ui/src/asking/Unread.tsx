import { describe } from "@/api/errors";
import { Failure } from "@/ui/Failure";

interface Props {
  title: string;
  query: { error: Error | null; dataUpdatedAt: number; refetch: () => unknown };
}

/** Why something could not be read, from when what is still shown of it is, and another try; nothing where it was read. */
export function Unread({ title, query: { error, dataUpdatedAt, refetch } }: Props) {
  if (!error) return null;
  return <Failure title={title} {...describe(error)} knownAt={dataUpdatedAt} onRetry={() => void refetch()} />;
}
