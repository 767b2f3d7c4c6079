import { words } from "@/words";
import { Button } from "./Button";

interface Props {
  list: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => Promise<unknown> };
}

/** Reads the next page of a list, where there is one. */
export function More({ list }: Props) {
  if (!list.hasNextPage) return null;
  return (
    <Button className="justify-self-center" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
      {words.common.showMore}
    </Button>
  );
}
