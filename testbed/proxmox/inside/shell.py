"""A login shell on a terminal line: a prompt, echo, backspace, and the programs of the guest."""

import asyncio
from collections.abc import Callable

from testbed.proxmox.inside.programs import Ended, interpret
from testbed.proxmox.inside.system import System

INTERRUPT, END, BELL, BACKSPACE, TAB, DELETE = "\x03", "\x04", "\x07", "\x08", "\t", "\x7f"
LONGEST_LINE = 4096


class Shell:
    """One session. `write` gets what appears on the terminal, with CR LF at the ends of lines."""

    def __init__(self, system: System, line: str, write: Callable[[str], None]) -> None:
        self._system = system
        self._line = line
        self._write = write
        self._typed = ""
        self._turn = asyncio.Lock()

    def greet(self) -> None:
        """What a fresh terminal shows."""
        self._write(f"\r\n{self._system.hostname}, a guest of the Proxmox VE testbed ({self._line})\r\n\r\n")
        self._prompt()

    def _prompt(self) -> None:
        self._write(f"root@{self._system.hostname}:~# ")

    async def type(self, text: str) -> None:
        """Take keys; returns when what they started has ended."""
        async with self._turn:
            for key in text.replace("\r\n", "\r"):
                await self._key(key)

    async def _key(self, key: str) -> None:
        if key in "\r\n":
            await self._enter()
        elif key in (BACKSPACE, DELETE):
            self._erase()
        elif key == INTERRUPT:
            self._write("^C\r\n")
            self._typed = ""
            self._prompt()
        elif key == END and not self._typed:
            self._write("logout\r\n")
            self.greet()
        elif key == BELL or not key.isprintable() or len(self._typed) >= LONGEST_LINE:
            self._write(BELL)
        else:
            self._typed += key
            self._write(key)

    def _erase(self) -> None:
        self._write("\b \b" if self._typed else BELL)
        self._typed = self._typed[:-1]

    async def _enter(self) -> None:
        line, self._typed = self._typed, ""
        self._write("\r\n")
        ended = await interpret(self._system, line)
        self._show(ended)
        if ended.leaves:
            self.greet()
        else:
            self._prompt()

    def _show(self, ended: Ended) -> None:
        text = (ended.out + ended.err).decode(errors="replace")
        self._write(text.replace("\r\n", "\n").replace("\n", "\r\n"))
