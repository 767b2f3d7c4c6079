import { Button } from "@/ui/Button";
import { Copy } from "@/ui/Copy";
import { Notice } from "@/ui/Notice";
import { words } from "@/words";

const said = words.webhooks;

/** A secret, once. */
export function Secret({ secret, onKept }: { secret: string; onKept: () => void }) {
  return (
    <Notice tone="warn" urgent title={said.made} action={<Button onClick={onKept}>{said.kept}</Button>}>
      <p>{said.madeHelp}</p>
      <Copy text={secret} what={said.secret} />
    </Notice>
  );
}
