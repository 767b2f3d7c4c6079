"""The programs of a simulated guest, and a shell of commands, pipes and redirections without variables."""

import asyncio
import shlex
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from testbed.proxmox.inside.system import OS_RELEASE, System

NOT_FOUND = 127
REDIRECTIONS = (">", ">>", "<", ">&")


@dataclass(frozen=True, slots=True)
class Ended:
    """A program that has ended; one that `leaves` ends its shell too."""

    code: int = 0
    out: bytes = b""
    err: bytes = b""
    leaves: bool = False


Program = Callable[[System, Sequence[str], bytes], Awaitable[Ended]]


def said(text: str) -> Ended:
    """A program that only said something."""
    return Ended(out=text.encode())


def failed(text: str, code: int = 1) -> Ended:
    """A program that only complained."""
    return Ended(code, err=text.encode())


async def echo(_system: System, arguments: Sequence[str], _stdin: bytes) -> Ended:
    """Its arguments; `-n` without the end of line."""
    newline = arguments[:1] != ["-n"]
    return said(" ".join(arguments if newline else arguments[1:]) + "\n" * newline)


async def cat(system: System, arguments: Sequence[str], stdin: bytes) -> Ended:
    """Files one after the other."""
    found, complaints = [], []
    for path in arguments or ["-"]:
        try:
            found.append(stdin if path == "-" else read(system, path))
        except OSError as error:
            complaints.append(f"cat: {path}: {error}\n")
    return Ended(1 if complaints else 0, b"".join(found), "".join(complaints).encode())


def read(system: System, path: str) -> bytes:
    """A file, or one of the kernel's."""
    if path == "/proc/uptime":
        return f"{system.uptime:.2f} {system.uptime:.2f}\n".encode()
    return system.files.read(path)


async def hostname(system: System, _arguments: Sequence[str], _stdin: bytes) -> Ended:
    """The host's name."""
    return said(f"{system.hostname}\n")


async def uname(system: System, arguments: Sequence[str], _stdin: bytes) -> Ended:
    """The kernel: `-a`, `-n`, `-r`, `-m`, `-v`, or its name."""
    release, version = OS_RELEASE["kernel-release"], OS_RELEASE["kernel-version"]
    parts = {"-s": "Linux", "-n": system.hostname, "-r": release, "-v": version, "-m": "x86_64", "-o": "GNU/Linux"}
    wanted = list(parts) if "-a" in arguments else [name for name in parts if name in (arguments or ["-s"])]
    return said(" ".join(parts[name] for name in wanted) + "\n")


async def ip(system: System, arguments: Sequence[str], _stdin: bytes) -> Ended:
    """The addresses, the way `ip addr` tells them."""
    if not any(word.startswith(("a", "l")) for word in arguments):
        return failed("Usage: ip address\n", 255)
    lines = []
    for number, interface in enumerate(system.interfaces, 1):
        kind = "loopback" if interface.name == "lo" else "ether"
        lines.append(f"{number}: {interface.name}: <UP,LOWER_UP> mtu {65536 if kind == 'loopback' else 1500} state UP")
        lines.append(f"    link/{kind} {interface.mac}")
        lines += [f"    inet{'6' if ':' in one else ''} {one}/{prefix}" for one, prefix in interface.addresses]
    return said("\n".join(lines) + "\n")


async def true(_system: System, _arguments: Sequence[str], _stdin: bytes) -> Ended:
    """Success."""
    return Ended()


async def false(_system: System, _arguments: Sequence[str], _stdin: bytes) -> Ended:
    """Failure."""
    return Ended(1)


async def sleep(_system: System, arguments: Sequence[str], _stdin: bytes) -> Ended:
    """Let seconds pass."""
    try:
        seconds = float(arguments[0])
    except (IndexError, ValueError):
        return failed("sleep: missing operand\n")
    await asyncio.sleep(seconds)
    return Ended()


async def whoami(_system: System, _arguments: Sequence[str], _stdin: bytes) -> Ended:
    """Root: the agent and the console are root's."""
    return said("root\n")


async def identity(_system: System, _arguments: Sequence[str], _stdin: bytes) -> Ended:
    """Root's numbers."""
    return said("uid=0(root) gid=0(root) groups=0(root)\n")


async def uptime(system: System, _arguments: Sequence[str], _stdin: bytes) -> Ended:
    """How long it is up."""
    minutes = int(system.uptime // 60)
    return said(f" {time.strftime('%H:%M:%S', time.gmtime())} up {minutes} min,  0 users,  load average: 0.00\n")


async def date(_system: System, _arguments: Sequence[str], _stdin: bytes) -> Ended:
    """The time."""
    return said(time.strftime("%a %b %e %H:%M:%S UTC %Y\n", time.gmtime()))


async def listing(system: System, arguments: Sequence[str], _stdin: bytes) -> Ended:
    """The names in directories."""
    names: list[str] = []
    for path in [word for word in arguments if not word.startswith("-")] or ["/root"]:
        try:
            names += system.files.listing(path)
        except OSError as error:
            return failed(f"ls: cannot access '{path}': {error}\n", 2)
    return said("".join(f"{name}\n" for name in names))


async def touch(system: System, arguments: Sequence[str], _stdin: bytes) -> Ended:
    """Make empty files."""
    return _each("touch: cannot touch", arguments, lambda path: system.files.write(path, b"", append=True))


async def remove(system: System, arguments: Sequence[str], _stdin: bytes) -> Ended:
    """Remove files."""
    ended = _each("rm: cannot remove", arguments, system.files.remove)
    return Ended() if "-f" in arguments or "-rf" in arguments else ended


async def make_directory(system: System, arguments: Sequence[str], _stdin: bytes) -> Ended:
    """Make directories."""
    ended = _each("mkdir: cannot create directory", arguments, system.files.make_directory)
    return Ended() if "-p" in arguments else ended


def _each(complaint: str, arguments: Sequence[str], act: Callable[[str], None]) -> Ended:
    for path in [word for word in arguments if not word.startswith("-")]:
        try:
            act(path)
        except OSError as error:
            return failed(f"{complaint} '{path}': {error}\n")
    return Ended()


async def power_off(system: System, _arguments: Sequence[str], _stdin: bytes) -> Ended:
    """Turn the guest off."""
    system.power("poweroff")
    return Ended()


async def reboot(system: System, _arguments: Sequence[str], _stdin: bytes) -> Ended:
    """Boot again."""
    system.power("reboot")
    return Ended()


async def shutdown(system: System, arguments: Sequence[str], _stdin: bytes) -> Ended:
    """Turn the guest off, or boot again with `-r`."""
    system.power("reboot" if "-r" in arguments else "poweroff")
    return Ended()


async def leave(_system: System, arguments: Sequence[str], _stdin: bytes) -> Ended:
    """End the shell."""
    return Ended(int(arguments[0]) % 256 if arguments and arguments[0].isdigit() else 0, leaves=True)


async def shell(system: System, arguments: Sequence[str], stdin: bytes) -> Ended:
    """`sh -c LINE`, or the lines of its input."""
    line = arguments[1] if arguments[:1] == ["-c"] and len(arguments) > 1 else stdin.decode(errors="replace")
    ended = await interpret(system, line, stdin)
    return Ended(ended.code, ended.out, ended.err)


PROGRAMS: dict[str, Program] = {
    "bash": shell,
    "cat": cat,
    "date": date,
    "echo": echo,
    "false": false,
    "halt": power_off,
    "hostname": hostname,
    "id": identity,
    "ip": ip,
    "ls": listing,
    "mkdir": make_directory,
    "poweroff": power_off,
    "reboot": reboot,
    "rm": remove,
    "sh": shell,
    "shutdown": shutdown,
    "sleep": sleep,
    "touch": touch,
    "true": true,
    "uname": uname,
    "uptime": uptime,
    "whoami": whoami,
}
BUILT_IN: dict[str, Program] = {"exit": leave, ":": true}
FOLDERS = ("/bin", "/usr/bin", "/sbin", "/usr/sbin")


def find(name: str) -> Program | None:
    """A program by its name or path."""
    folder, _, base = name.rpartition("/")
    return PROGRAMS.get(base) if not folder or folder in FOLDERS else None


async def interpret(system: System, line: str, stdin: bytes = b"") -> Ended:
    """Run a shell's line, or several, and tell whether the shell was to end."""
    whole = Ended()
    for text in line.splitlines():
        try:
            words = _words(text)
        except ValueError as error:
            return _joined(whole, failed(f"sh: syntax error: {error}\n", 2))
        whole = _joined(whole, await _sequence(system, words, stdin))
        if whole.leaves:
            break
    return whole


def _joined(before: Ended, after: Ended) -> Ended:
    return Ended(after.code, before.out + after.out, before.err + after.err, after.leaves)


def _words(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";|&<>")
    lexer.whitespace_split = True
    return list(lexer)


async def _sequence(system: System, words: list[str], stdin: bytes) -> Ended:
    """Commands between `;`, `&&` and `||`."""
    whole, wanted = Ended(), True
    while words and not whole.leaves:
        end = next((n for n, word in enumerate(words) if word in (";", "&&", "||", "&")), len(words))
        command, rest = words[:end], words[end:]
        if command and wanted:
            whole = _joined(whole, await _pipe(system, command, stdin))
        wanted = not rest or rest[0] in (";", "&") or (rest[0] == "&&") == (whole.code == 0)
        words = rest[1:]
    return whole


async def _pipe(system: System, words: list[str], stdin: bytes) -> Ended:
    """Commands between `|`."""
    complaints = b""
    while "|" in words:
        end = words.index("|")
        ended = await _redirected(system, words[:end], stdin)
        stdin, complaints, words = ended.out, complaints + ended.err, words[end + 1 :]
    ended = await _redirected(system, words, stdin)
    return Ended(ended.code, ended.out, complaints + ended.err, ended.leaves)


async def _redirected(system: System, words: list[str], stdin: bytes) -> Ended:
    """One command with what stands after `<`, `>`, `>>` and `>&`."""
    plain: list[str] = []
    outputs: list[tuple[str, str, str]] = []
    try:
        while words:
            word, *words = words
            if word not in REDIRECTIONS:
                plain.append(word)
            elif word == "<":
                stdin, words = read(system, words[0]), words[1:]
            else:
                number = plain.pop() if plain and plain[-1] in ("1", "2") else "1"
                outputs.append((number, word, words[0]))
                words = words[1:]
        return _sent(system, await run(system, plain, stdin), outputs)
    except IndexError:
        return failed("sh: syntax error: unexpected newline\n", 2)
    except OSError as error:
        return failed(f"sh: {error}\n")


def _sent(system: System, ended: Ended, outputs: list[tuple[str, str, str]]) -> Ended:
    streams = {"1": ended.out, "2": ended.err}
    for number, kind, target in outputs:
        data, streams[number] = streams[number], b""
        if kind == ">&" and target in streams:
            streams[target] += data
        elif target != "/dev/null":
            system.files.write(target, data, append=kind == ">>")
    return Ended(ended.code, streams["1"], streams["2"], ended.leaves)


async def run(system: System, words: Sequence[str], stdin: bytes = b"") -> Ended:
    """Run one command of a shell."""
    if not words:
        return Ended()
    program = BUILT_IN.get(words[0]) or find(words[0])
    if program is None:
        return failed(f"sh: {words[0]}: not found\n", NOT_FOUND)
    return await program(system, words[1:], stdin)
