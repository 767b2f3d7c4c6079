import type { DiskCopy } from "@/api/types";
import { whyNot } from "@/features/servers/actions";
import { useServerContext } from "@/asking/serverPage";
import { useRole } from "@/features/servers/role";
import { fileSize } from "@/lib/bytes";
import { Button } from "@/ui/Button";
import { Time } from "@/ui/Time";
import { words } from "@/words";
import { nameOf, type Kind } from "./kinds";

interface Props {
  kind: Kind;
  copy: DiskCopy;
  /** What is being done with it, as far as it was asked for here. */
  going: "restore" | "remove" | null;
  onAsk: (what: "restore" | "remove") => void;
}

/** One copy: what it is called, when it was taken, of what, how large; and what can be done with it. */
export function CopyRow({ kind, copy, going, onAsk }: Props) {
  const { server, operation } = useServerContext();
  const role = useRole(server);
  const name = nameOf(copy);
  const button = (what: "restore" | "remove") => {
    const action = kind[what];
    const label = what === "restore" ? kind.text.restore : kind.text.delete;
    return (
      <Button
        busy={going === what}
        reason={going === what ? null : whyNot(action, server, operation, role)}
        aria-label={going === what ? undefined : `${label} ${name}`}
        onClick={() => onAsk(what)}
      >
        {going === what ? words.acting[action] : label}
      </Button>
    );
  };
  return (
    <li className="flex flex-wrap items-center justify-between gap-x-6 gap-y-3 py-3">
      <div className="min-w-0 flex-1 basis-48">
        <p className="font-medium wrap-anywhere">{name}</p>
        <p className="text-small text-soft">
          <Time at={copy.created_at} />
          {copy.image ? ` · ${copy.image.name}` : null}
          {"size_bytes" in copy ? ` · ${fileSize(copy.size_bytes)}` : null}
        </p>
      </div>
      <div className="flex flex-wrap gap-2">
        {button("restore")}
        {button("remove")}
      </div>
    </li>
  );
}
