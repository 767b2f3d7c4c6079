import { words } from "@/words";

export type Labels = Record<string, string>;

/** Labels as people edit them: "key: value", one per line, in the order of their keys. */
export function labelsText(labels: Labels): string {
  return Object.entries(labels)
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([key, value]) => `${key}: ${value}`)
    .join("\n");
}

const LINE = /^\s*([^:]+?)\s*:\s*(.*?)\s*$/;

/** What was typed as labels, or what is wrong with it. Empty lines are nothing. */
export function readLabels(text: string): { labels: Labels } | { mistake: string } {
  const labels: Labels = {};
  for (const [n, line] of text.split("\n").entries()) {
    if (!line.trim()) continue;
    const found = LINE.exec(line);
    if (!found) return { mistake: words.settings.labelWrong(n + 1) };
    labels[found[1]!] = found[2]!;
  }
  return { labels };
}
