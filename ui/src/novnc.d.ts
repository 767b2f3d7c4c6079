/** The part of noVNC 1.7 that is used here (docs/API.md of the package); it brings no types of its own. */
declare module "@novnc/novnc" {
  export default class RFB extends EventTarget {
    constructor(target: HTMLElement, channel: WebSocket, options?: { credentials?: { password?: string } });
    scaleViewport: boolean;
    background: string;
    focusOnClick: boolean;
    disconnect(): void;
    focus(options?: FocusOptions): void;
    sendCtrlAltDel(): void;
    sendKey(keysym: number, code: string | null, down?: boolean): void;
  }
}
