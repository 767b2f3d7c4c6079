/** What the command palette says. */
export const paletteWords = {
  open: "Search and commands",
  shortcut: "Ctrl K or ⌘ K",
  title: "Search and commands",
  field: "What do you want to do?",
  hint: "A server's name or address, a page, an action",
  results: "Matches",
  none: "Nothing matches.",
  count: (n: number) => (n === 1 ? "1 match" : `${n} matches`),
  act: (action: string, name: string) => `${action}: ${name}`,
  page: "Page",
  server: "Server",
  action: "Action",
  theme: { light: "Light theme", dark: "Dark theme", system: "Theme of the system" },
  look: "Look",
};
