"""Keys by the names that QEMU's monitor knows (QEMU qapi/ui.json QKeyCode)."""

CHARACTERS = {
    "apostrophe": "'",
    "asterisk": "*",
    "backslash": "\\",
    "backspace": "\x7f",
    "bracket_left": "[",
    "bracket_right": "]",
    "comma": ",",
    "dot": ".",
    "equal": "=",
    "esc": "\x1b",
    "grave_accent": "`",
    "less": "<",
    "minus": "-",
    "ret": "\r",
    "semicolon": ";",
    "slash": "/",
    "spc": " ",
    "tab": "\t",
    "kp_enter": "\r",
    **{letter: letter for letter in "abcdefghijklmnopqrstuvwxyz0123456789"},
    **{f"kp_{digit}": digit for digit in "0123456789"},
}
SHIFTED = dict(zip("1234567890-=[];'`\\,./<", '!@#$%^&*()_+{}:"~|<>?>', strict=True))
SILENT = {
    *("shift", "shift_r", "ctrl", "ctrl_r", "alt", "alt_r", "meta_l", "meta_r", "menu", "caps_lock", "num_lock"),
    *("scroll_lock", "print", "sysrq", "pause", "insert", "delete", "home", "end", "pgup", "pgdn"),
    *("up", "down", "left", "right", *(f"f{number}" for number in range(1, 13))),
}


class UnknownKey(Exception):
    """No key has this name."""


def typed(combination: str) -> str:
    """What keys pressed together type, such as `shift-a`; raises `UnknownKey`."""
    names = combination.split("-")
    for name in names:
        if name not in CHARACTERS and name not in SILENT:
            raise UnknownKey(name)
    letters = [CHARACTERS[name] for name in names if name in CHARACTERS]
    if {"alt", "alt_r", "meta_l", "meta_r"} & set(names):
        return ""
    if {"ctrl", "ctrl_r"} & set(names):
        return "".join(chr(ord(letter) & 0x1F) for letter in letters)
    if {"shift", "shift_r"} & set(names):
        return "".join(SHIFTED.get(letter, letter.upper()) for letter in letters)
    return "".join(letters)
