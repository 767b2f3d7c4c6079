import RFB from "@novnc/novnc";
import { useEffect, useRef, useState, type RefObject } from "react";
import { api, unwrap } from "@/api/client";
import { SHIFT, strokes } from "./typing";

export type ConsoleState =
  | { is: "connecting" }
  | { is: "connected" }
  /** `reason` is what the service said as it closed; "" when the connection was cut. */
  | { is: "closed"; reason: string }
  | { is: "refused"; error: unknown };

export interface Console {
  state: ConsoleState;
  ctrlAltDel: () => void;
  type: (text: string) => void;
}

/** The screen and the keyboard of a server, shown in `screen` for as long as this is mounted. */
export function useConsole(id: string, screen: RefObject<HTMLElement | null>): Console {
  const [state, setState] = useState<ConsoleState>({ is: "connecting" });
  const viewer = useRef<RFB | null>(null);
  useEffect(() => {
    const target = screen.current;
    if (!target) return;
    let left = false;
    const tell = (next: ConsoleState) => (left ? undefined : setState(next));
    connect(id, target, () => left, tell).then(
      (opened) => (viewer.current = opened),
      (error: unknown) => tell({ is: "refused", error }),
    );
    return () => {
      left = true;
      viewer.current?.disconnect();
      viewer.current = null;
    };
  }, [id, screen]);
  return {
    state,
    ctrlAltDel: () => viewer.current?.sendCtrlAltDel(),
    type: (text) => (viewer.current ? typeInto(viewer.current, text) : undefined),
  };
}

/** A viewer on a fresh ticket; null when nobody waits for it any more. */
async function connect(
  id: string,
  target: HTMLElement,
  left: () => boolean,
  tell: (state: ConsoleState) => void,
): Promise<RFB | null> {
  const { url, password } = await unwrap(api.POST("/v1/servers/{id}/console", { params: { path: { id } } }));
  if (left()) return null;
  const socket = new WebSocket(url);
  const viewer = new RFB(target, socket, { credentials: { password } });
  viewer.scaleViewport = true;
  viewer.background = "transparent";
  viewer.addEventListener("connect", () => {
    tell({ is: "connected" });
    viewer.focus({ preventScroll: true });
  });
  // noVNC tells that it ended; only the socket tells why.
  socket.addEventListener("close", ({ reason }) => tell({ is: "closed", reason }));
  return viewer;
}

function typeInto(viewer: RFB, text: string): void {
  for (const { keysym, shift } of strokes(text)) {
    if (shift) viewer.sendKey(SHIFT, "ShiftLeft", true);
    viewer.sendKey(keysym, null);
    if (shift) viewer.sendKey(SHIFT, "ShiftLeft", false);
  }
}
