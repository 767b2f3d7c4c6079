"""The whole sample: every named case, then ordinary clients."""

from testbed.whmcs.cases import CASES
from testbed.whmcs.scale import add_clients
from testbed.whmcs.stage import set_stage
from testbed.whmcs.world import World

SEED = 1
SCALE = 40


def make(seed: int, scale: int) -> World:
    """The rows, VMs and truth for *seed* with *scale* ordinary clients: the same ones each time."""
    stage = set_stage(seed)
    for case in CASES:
        case(stage)
    add_clients(stage, scale)
    stage.world.truth.conclude()
    return stage.world
