"""What a process uses, as the testbed reports it of a guest."""

import os

from testbed.proxmox.qemu.usage import Usage


def test_a_process_has_memory_and_a_load_between_none_and_all() -> None:
    figures = Usage(os.getpid(), cores=1).read()
    assert figures["mem"] > 1 << 20
    assert 0 <= figures["cpu"] <= 1


def test_load_is_the_share_of_the_cores_since_the_last_figure() -> None:
    usage = Usage(os.getpid(), cores=2)
    before = os.times()
    while (now := os.times()).elapsed - before.elapsed < 1.1:
        pass
    busy = (now.user + now.system) / (now.elapsed - before.elapsed) / 2
    assert 0 < usage.read()["cpu"] <= min(busy + 0.1, 1)


def test_a_process_that_is_gone_has_no_figures() -> None:
    assert Usage(2**22 + 1, cores=1).read() == {}
