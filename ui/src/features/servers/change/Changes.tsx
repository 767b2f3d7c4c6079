import { useState } from "react";
import { whyNot, type Action } from "@/features/servers/actions";
import { useServerContext } from "@/asking/serverPage";
import { useRole } from "@/features/servers/role";
import { Button } from "@/ui/Button";
import { Later } from "@/ui/Later";
import { Section } from "@/ui/Section";
import { words } from "@/words";
import { PasswordDialog, RenameDialog, ResizeDialog } from "./dialogs";

const rows = [
  { action: "resize", text: words.change.resize, Question: ResizeDialog },
  { action: "rename", text: words.change.rename, Question: RenameDialog },
  { action: "reset_password", text: words.change.password, Question: PasswordDialog },
] as const;

/** What can be changed of a server as it is, each with what it means. */
export function Changes() {
  const { server, operation, onAccepted } = useServerContext();
  const role = useRole(server);
  const [asking, setAsking] = useState<Action | null>(null);
  return (
    <Section title={words.change.title}>
      <ul className="grid ruled">
        {rows.map(({ action, text, Question }) => {
          const acting = operation?.type === action;
          return (
            <li
              key={action}
              className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 py-3 first:pt-0 last:pb-0"
            >
              <span className="min-w-0 flex-1 basis-56 text-soft">{text.about}</span>
              <Button
                busy={acting}
                reason={acting ? null : whyNot(action, server, operation, role)}
                onClick={() => setAsking(action)}
              >
                {acting ? words.acting[action] : text.open}
              </Button>
              <Later open={asking === action}>
                <Question
                  server={server}
                  open={asking === action}
                  onClose={() => setAsking(null)}
                  onAccepted={onAccepted}
                />
              </Later>
            </li>
          );
        })}
      </ul>
    </Section>
  );
}
