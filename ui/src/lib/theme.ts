export type Theme = "light" | "dark" | "system";

const KEPT = "hostler.theme";

/** What was chosen in this browser; the system's own unless something was. */
export function chosenTheme(): Theme {
  const kept = localStorage.getItem(KEPT);
  return kept === "light" || kept === "dark" ? kept : "system";
}

/** Show a theme, and again the next time. */
export function chooseTheme(theme: Theme): void {
  if (theme === "system") localStorage.removeItem(KEPT);
  else localStorage.setItem(KEPT, theme);
  showTheme();
}

export function showTheme(): void {
  const theme = chosenTheme();
  document.documentElement.style.colorScheme = theme === "system" ? "" : theme;
}
