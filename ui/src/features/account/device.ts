import { words } from "@/words";

const { sessions } = words.account;

/** Browsers claim to be their forebears, so that the youngest name is looked for first. */
const PROGRAMS: [RegExp, string][] = [
  [/\bEdg(?:e|A|iOS)?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\b(?:Firefox|FxiOS)\//, "Firefox"],
  [/\b(?:HeadlessChrome|Chrome|CriOS)\//, "Chrome"],
  [/\bSafari\//, "Safari"],
];

const SYSTEMS: [RegExp, string][] = [
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b/, "macOS"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bLinux\b/, "Linux"],
];

/** What a person would call the program that sent this `User-Agent`: "Firefox on Linux"; a program that is no browser is named by its first word. */
export function deviceOf(userAgent: string): string {
  const program = found(PROGRAMS, userAgent) ?? userAgent.split("/")[0]?.trim();
  if (!program) return sessions.unknown;
  const system = found(SYSTEMS, userAgent);
  return system ? sessions.on(program, system) : program;
}

function found(names: [RegExp, string][], userAgent: string): string | undefined {
  return names.find(([pattern]) => pattern.test(userAgent))?.[1];
}
