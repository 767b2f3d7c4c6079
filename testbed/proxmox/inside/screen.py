"""A simulated guest's screen: a line about the machine above a text terminal, as pixels."""

import functools
from collections.abc import Callable

from testbed.proxmox.inside import font

COLUMNS, ROWS = 80, 25
WIDTH, HEIGHT = COLUMNS * font.WIDTH, ROWS * font.HEIGHT
#: Red, green, blue of each colour number.
COLOURS = ((0, 0, 0), (190, 190, 190), (255, 255, 255), (0, 80, 160), (160, 90, 0))
BLACK, GREY, WHITE, BLUE, AMBER = range(5)
TAB = 8


@functools.lru_cache(maxsize=1024)
def _cell(letter: str, ink: int, paper: int) -> list[bytes]:
    return font.cell(letter, ink, paper)


class Screen:
    """Text to pixels. Each change tells the watchers; `bell` tells them to ring."""

    def __init__(self) -> None:
        self._lines = [" " * COLUMNS for _ in range(ROWS)]
        self._papers = [BLACK] * ROWS
        self._row, self._column = 1, 0
        self._pixels = [bytes(WIDTH) for _ in range(HEIGHT)]
        self.watchers: set[Callable[[int, int], None]] = set()
        self.listeners: set[Callable[[], None]] = set()

    @property
    def text(self) -> str:
        """Everything that stands there."""
        return "\n".join(line.rstrip() for line in self._lines)

    def rows(self, x: int, y: int, width: int, height: int) -> list[bytes]:
        """A part of the picture, one byte a pixel."""
        return [row[x : x + width] for row in self._pixels[y : y + height]]

    def title(self, text: str, alarming: bool = False) -> None:
        """Write the line at the top."""
        line = f" {text}"[:COLUMNS].ljust(COLUMNS)
        self._papers[0] = AMBER if alarming else BLUE
        if line != self._lines[0] or self._pixels[0][0] != self._papers[0]:
            self._lines[0] = line
            self._draw(0)

    def clear(self) -> None:
        """Empty the terminal."""
        self._row, self._column = 1, 0
        for row in range(1, ROWS):
            self._lines[row] = " " * COLUMNS
            self._draw(row)

    def write(self, text: str) -> None:
        """Write as on a terminal; knows CR, LF, BS, TAB and the bell."""
        touched = {self._row}
        for letter in text:
            self._put(letter)
            touched.add(self._row)
        for row in touched:
            self._draw(row)

    def _put(self, letter: str) -> None:
        if letter == "\r":
            self._column = 0
        elif letter == "\n":
            self._feed()
        elif letter == "\b":
            self._column = max(self._column - 1, 0)
        elif letter == "\t":
            self._column = min((self._column // TAB + 1) * TAB, COLUMNS - 1)
        elif letter == "\a":
            for ring in list(self.listeners):
                ring()
        else:
            self._print(letter if letter.isascii() and letter.isprintable() else "?")

    def _print(self, letter: str) -> None:
        if self._column == COLUMNS:
            self._column = 0
            self._feed()
        line = self._lines[self._row]
        self._lines[self._row] = line[: self._column] + letter + line[self._column + 1 :]
        self._column += 1

    def _feed(self) -> None:
        if self._row < ROWS - 1:
            self._row += 1
            return
        self._lines[1:] = [*self._lines[2:], " " * COLUMNS]
        for row in range(1, ROWS):
            self._draw(row)

    def _draw(self, row: int) -> None:
        line, paper = self._lines[row], self._papers[row]
        cells = [_cell(letter, WHITE if row == 0 else GREY, paper) for letter in line]
        if row == self._row and self._column < COLUMNS:
            cells[self._column] = _cell(line[self._column], BLACK, GREY)
        top = row * font.HEIGHT
        self._pixels[top : top + font.HEIGHT] = [b"".join(parts) for parts in zip(*cells, strict=True)]
        for watcher in list(self.watchers):
            watcher(top, font.HEIGHT)
