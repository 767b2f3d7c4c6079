/** Whether a key alone was pressed, without what makes another meaning of it. */
export function plainKey(event: { ctrlKey: boolean; metaKey: boolean; altKey: boolean }): boolean {
  return !event.ctrlKey && !event.metaKey && !event.altKey;
}

const NO_TEXT = ["checkbox", "radio", "button", "submit"];

/** Whether keys pressed here are text, or move within a field. */
export function isTyping(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement) return !NO_TEXT.includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}
