const CHORD = new Set(["Control", "Alt", "Shift", "AltGraph", "Meta"]);

/**
 * The way out of a screen that takes every key, Tab as well: Ctrl, Alt and Shift held together, with no other key, and
 * let go. The guest sees them go down and up, so none of them is stuck there.
 */
export class LetGo {
  private held = false;

  pressed(event: Keys): void {
    this.held = CHORD.has(event.key) && (this.held || (event.ctrlKey && event.altKey && event.shiftKey));
  }

  /** Whether that was the end of it. */
  released(event: Keys): boolean {
    if (!this.held || event.ctrlKey || event.altKey || event.shiftKey) return false;
    this.held = false;
    return true;
  }
}

type Keys = Pick<KeyboardEvent, "key" | "ctrlKey" | "altKey" | "shiftKey">;
