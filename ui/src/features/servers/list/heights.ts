/** How high rows are, in px. */
export interface Known {
  /** By their keys: those that have been on the page. */
  rows: ReadonlyMap<string, number>;
  /** Of all others. */
  guess: number;
}

/** How high the rows on the page are, as the browser tells it; heard by whoever places them. */
export class Heights {
  private known: Known = { rows: new Map(), guess: 0 };
  private tell = () => {};
  /** By how much what is above the window has grown. */
  private moved = 0;
  private readonly observer =
    "ResizeObserver" in window ? new ResizeObserver((entries) => this.hear(entries)) : undefined;

  readonly follow = (tell: () => void) => {
    this.tell = tell;
    return () => (this.tell = () => {});
  };

  readonly read = () => this.known;

  /** For `ref`: hear of a row, which has its key in `data-key`, while it is on the page. */
  readonly watch = (row: HTMLElement | null) => {
    if (!row) return;
    this.observer?.observe(row);
    return () => this.observer?.unobserve(row);
  };

  /** To be called when the rows stand by what was heard: what is in the window stays where it was seen. */
  settle(): void {
    if (this.moved) window.scrollBy(0, this.moved);
    this.moved = 0;
  }

  /** Rows look different from now on: each is as high as `guess` until the first of them is heard of. */
  begin(guess: number): void {
    this.know({ rows: new Map(), guess });
  }

  private know(known: Known): void {
    this.known = known;
    this.tell();
  }

  private hear(entries: ResizeObserverEntry[]): void {
    const changed = entries
      .map(({ target, borderBoxSize: [size] }) => ({ row: target as HTMLElement, height: size?.blockSize ?? 0 }))
      .filter(({ row, height }) => height > 0 && height !== this.of(row));
    if (changed.length === 0) return;
    const rows = new Map(this.known.rows);
    for (const { row, height } of changed) {
      if (row.getBoundingClientRect().top < 0) this.moved += height - this.of(row);
      rows.set(keyOf(row), height);
    }
    this.know({ rows, guess: this.known.rows.size > 0 ? this.known.guess : changed[0]!.height });
  }

  private of(row: HTMLElement): number {
    return this.known.rows.get(keyOf(row)) ?? this.known.guess;
  }
}

const keyOf = (row: HTMLElement) => row.dataset["key"] ?? "";
