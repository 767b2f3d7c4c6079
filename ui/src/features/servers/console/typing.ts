/** A key of a keyboard: what it is called in X11 (a keysym), and whether Shift is held for it. */
export interface Stroke {
  keysym: number;
  shift: boolean;
}

export const SHIFT = 0xffe1;
const RETURN = 0xff0d;
const TAB = 0xff09;
const UNICODE = 0x0100_0000;
/** On a US keyboard, which is what a guest without a desktop has. */
const SHIFTED = /[A-Z~!@#$%^&*()_+{}|:"<>?]/;

/** The keys that type a text; control characters other than line ends and tabs have none. */
export function strokes(text: string): Stroke[] {
  return Array.from(text.replaceAll("\r\n", "\n"), stroke).filter((one) => one !== null);
}

function stroke(character: string): Stroke | null {
  if (character === "\n" || character === "\r") return { keysym: RETURN, shift: false };
  if (character === "\t") return { keysym: TAB, shift: false };
  const code = character.codePointAt(0)!;
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return null;
  return { keysym: code < 0x100 ? code : UNICODE + code, shift: SHIFTED.test(character) };
}
