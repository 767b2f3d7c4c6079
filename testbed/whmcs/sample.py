"""The whole sample: the named cases, then ordinary clients, and among those as many odd ones as wanted."""

from testbed.whmcs import generations
from testbed.whmcs.cases import DEMO, MORE, REPEATABLE, Case
from testbed.whmcs.scale import add_clients
from testbed.whmcs.stage import Stage, set_stage
from testbed.whmcs.world import World

SEED = 1
SCALE = 40
CASES: dict[str, tuple[Case, ...]] = {"demo": DEMO, "all": DEMO + MORE}


def make(seed: int, scale: int, cases: str = "demo", edge_rate: float = 0.0, schema: str = "v8.3") -> World:
    """The rows, VMs and truth for *seed* with *scale* ordinary clients: the same ones each time.

    With `all` cases, *edge_rate* of *scale* more cases are put in again, drawn by chance. The rows are those that
    *schema* has.
    """
    stage = set_stage(seed)
    for case in CASES[cases]:
        case(stage)
    add_clients(stage, scale)
    if cases == "all":
        _repeat(stage, round(scale * edge_rate))
    generations.turn_into(stage.world, schema)
    stage.world.truth.conclude()
    generations.collide(stage.world)
    return stage.world


def _repeat(stage: Stage, times: int) -> None:
    for echo in range(1, times + 1):
        stage.echo = echo
        stage.chance.choice(REPEATABLE)(stage)
