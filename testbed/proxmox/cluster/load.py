"""How busy a made-up machine is: a function of its seed and the time, so that nothing has to be stored.

Days are busier than nights and workdays than weekends; noise of an hour, of five minutes and of a minute lies on top.
"""

import math
from functools import lru_cache

MASK = (1 << 64) - 1
DAY = 86_400
REMEMBERED = 20_000
PEAK_HOUR = 14
#: Period in seconds and weight of each layer of noise.
LAYERS = ((3600, 0.5), (300, 0.3), (60, 0.2))
#: Bytes per second of a busy VM on average, and what booting reads.
RATES = {"netin": 40_000, "netout": 25_000, "diskread": 60_000, "diskwrite": 45_000}
BOOT_READ = 18_000_000
#: 1970-01-01 was a Thursday, so that days 2 and 3 of its week are the weekend.
WEEKEND = (2, 3)


def level(seed: int, part: int) -> float:
    """A figure between 0 and 1 that belongs to a seed and a part of it."""
    mixed = (seed * 0x9E3779B97F4A7C15 + part * 0xBF58476D1CE4E5B9 + 0x2545F4914F6CDD1D) & MASK
    mixed = ((mixed ^ (mixed >> 31)) * 0x94D049BB133111EB) & MASK
    return (mixed ^ (mixed >> 29)) / (MASK + 1)


def _noise(seed: int, when: float, period: int) -> float:
    step, part = divmod(when, period)
    before, after = level(seed + period, int(step)), level(seed + period, int(step) + 1)
    return before + (after - before) * part / period


@lru_cache(maxsize=REMEMBERED)
def _character(seed: int) -> tuple[float, float, float]:
    """What belongs to a machine: the hour of its peak, its base load, its base use of memory."""
    return PEAK_HOUR + 6 * level(seed, 1) - 3, 0.1 + 0.4 * level(seed, 2), 0.25 + 0.4 * level(seed, 3)


def at(seed: int, when: float) -> float:
    """The load between 0 and 1 at a Unix time."""
    peak, base, _ = _character(seed)
    daily = 0.5 + 0.5 * math.cos(2 * math.pi * (when % DAY / 3600 - peak) / 24)
    weekly = 0.6 if int(when // DAY) % 7 in WEEKEND else 1.0
    noise = sum(weight * _noise(seed, when, period) for period, weight in LAYERS)
    return min(base + 0.5 * daily * weekly * noise + 0.15 * (noise - 0.5), 1.0)


def lately(seed: int, when: float) -> float:
    """The load of the minute: figures of many machines are asked for often, each machine's minute begins elsewhere."""
    return _of_minute(seed, int(when + seed % 60) // 60)


@lru_cache(maxsize=REMEMBERED)
def _of_minute(seed: int, minute: int) -> float:
    return at(seed, minute * 60 - seed % 60)


def cpu(busy: float) -> float:
    """The part of its processors that a VM uses under a load."""
    return 0.005 + 0.5 * busy * busy


def memory(seed: int, busy: float) -> float:
    """The part of its memory that a VM uses under a load: most of it all the time."""
    return _character(seed)[2] + 0.1 * busy


@lru_cache(maxsize=REMEMBERED)
def traffic_rates(seed: int) -> dict[str, float]:
    """The bytes per second that a VM moves on average."""
    return {key: rate * level(seed, part) for part, (key, rate) in enumerate(RATES.items(), 10)}


def traffic(seed: int, uptime: int) -> dict[str, int]:
    """The bytes that a VM has moved since its start: they only ever grow."""
    moved = {key: int(uptime * rate) for key, rate in traffic_rates(seed).items()}
    return moved | {"diskread": BOOT_READ + moved["diskread"]}
