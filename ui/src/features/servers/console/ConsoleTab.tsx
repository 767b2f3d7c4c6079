import { useRef, useState, type FormEvent, type Ref } from "react";
import { describe } from "@/api/errors";
import { useServer } from "@/asking/serverPage";
import { useOnlyLooks } from "@/features/servers/role";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { EmptyState } from "@/ui/EmptyState";
import { Failure } from "@/ui/Failure";
import { Field } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { words } from "@/words";
import { LetGo } from "./letGo";
import { useConsole, type Console, type ConsoleState } from "./useConsole";

const said = words.console;
/** What has a screen to look at. */
const SHOWN = new Set(["running", "paused", "rebooting", "stopping"]);

/** The server's screen and keyboard. */
export function ConsoleTab() {
  const server = useServer();
  const { id, status } = server;
  const onlyLooks = useOnlyLooks(server);
  if (onlyLooks) return <EmptyState title={said.onlyLooks} help={onlyLooks} />;
  if (!SHOWN.has(status)) return <EmptyState title={said.off} help={said.offHelp} />;
  return <Attempts key={id} id={id} />;
}

/** Each attempt has a screen, and a ticket, of its own. */
function Attempts({ id }: { id: string }) {
  const [attempt, setAttempt] = useState(1);
  return <Screen key={attempt} id={id} onAgain={() => setAttempt(attempt + 1)} />;
}

function Screen({ id, onAgain }: { id: string; onAgain: () => void }) {
  const frame = useRef<HTMLDivElement>(null);
  const screen = useRef<HTMLDivElement>(null);
  const controls = useRef<HTMLDivElement>(null);
  const [keys] = useState(() => new LetGo());
  const opened = useConsole(id, screen);
  return (
    <div className="grid gap-4">
      <Controls ref={controls} opened={opened} onFullScreen={() => void frame.current?.requestFullscreen()} />
      <State state={opened.state} onAgain={onAgain} />
      <div ref={frame} className="overflow-hidden rounded-card border border-line bg-black">
        <div
          ref={screen}
          role="application"
          aria-label={said.screen}
          aria-describedby="let-go"
          className="w-full max-lg:aspect-4/3 max-lg:max-h-[70dvh] lg:h-[min(70dvh,48rem)] [:fullscreen>&]:aspect-auto [:fullscreen>&]:h-full [:fullscreen>&]:max-h-none"
          onKeyDownCapture={(event) => keys.pressed(event)}
          onKeyUpCapture={(event) => (keys.released(event) ? leave(controls.current) : undefined)}
        />
      </div>
    </div>
  );
}

/** To the buttons, once the screen has seen the key go up as well. */
function leave(controls: HTMLElement | null): void {
  if (document.fullscreenElement) void document.exitFullscreen();
  setTimeout(() => controls?.querySelector("button")?.focus());
}

interface ControlsProps {
  ref: Ref<HTMLDivElement>;
  opened: Console;
  onFullScreen: () => void;
}

function Controls({ ref, opened, onFullScreen }: ControlsProps) {
  const [typing, setTyping] = useState(false);
  const reason = opened.state.is === "connected" ? null : said.notConnected;
  return (
    <div ref={ref} className="flex flex-wrap gap-3">
      <Button reason={reason} onClick={opened.ctrlAltDel}>
        {said.ctrlAltDel}
      </Button>
      <Button reason={reason} onClick={() => setTyping(true)}>
        {said.typeOpen}
      </Button>
      <Button reason={reason} onClick={onFullScreen}>
        {said.fullScreen}
      </Button>
      <TypeDialog open={typing} onClose={() => setTyping(false)} onType={opened.type} />
    </div>
  );
}

/** A guest without a desktop knows no clipboard: what is pasted here is typed there, key by key. */
function TypeDialog(props: { open: boolean; onClose: () => void; onType: (text: string) => void }) {
  const [text, setText] = useState("");
  const send = (event: FormEvent) => {
    event.preventDefault();
    props.onType(text);
    setText("");
    props.onClose();
  };
  return (
    <Dialog open={props.open} onClose={props.onClose} title={said.typeTitle}>
      <form className="mt-4 grid gap-4" onSubmit={send}>
        <Field
          label={said.typeLabel}
          help={said.typeHelp}
          lines={4}
          mono
          value={text}
          onValueChange={setText}
          spellCheck={false}
          autoComplete="off"
        />
        <div className="flex flex-wrap justify-end gap-3">
          <Button onClick={props.onClose}>{words.common.cancel}</Button>
          <Button type="submit" kind="primary" reason={text ? null : said.typeNothing}>
            {said.typeSend}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function State({ state, onAgain }: { state: ConsoleState; onAgain: () => void }) {
  const again = <Button onClick={onAgain}>{said.reconnect}</Button>;
  switch (state.is) {
    case "refused":
      return <Failure title={said.refused} {...describe(state.error)} onRetry={onAgain} />;
    case "closed":
      return (
        <Notice tone="warn" urgent title={said.closed} action={again}>
          {state.reason ? said.because(state.reason) : said.cut}
        </Notice>
      );
    default:
      return (
        <div className="flex flex-wrap gap-x-2 text-small text-soft">
          <p role="status">{state.is === "connected" ? said.connected : said.connecting}</p>
          <p id="let-go">{said.letGo}</p>
        </div>
      );
  }
}
