"""Which VM a service names, and when that is not to be believed."""

import pytest

from whmcs_import.mapping import adoption
from whmcs_import.mapping.adoption import Claim, Hint, Link, NoHint


def module(vmid: int | str | None, kind: str = "qemu") -> Link:
    return Link("mod_pvewhmcs_vms", vmid, kind)


def test_the_modules_table_names_the_vm() -> None:
    found = adoption.hint(Claim(7, "demo", links=[module(105)], fields=["105"]))
    assert found == Hint("demo", 105, "qemu", ("mod_pvewhmcs_vms", "custom field"))


def test_an_old_row_without_vmid_means_the_service_number() -> None:
    found = adoption.hint(Claim(177, "demo", links=[module(None)]))
    assert found == Hint("demo", 177, "qemu", ("mod_pvewhmcs_vms",))


@pytest.mark.parametrize(
    ("claim", "refused"),
    [
        (Claim(7, "demo", links=[module(99)]), "vmid_below_100"),
        (Claim(7, "demo", links=[module(105, "lxc")]), "container"),
        (Claim(7, "demo", links=[module(105, "kvm\x00")]), None),
        (Claim(7, "demo", links=[module(105)], fields=["106"]), "vmid_contradiction"),
        (Claim(7, "demo", links=[module(105, "kvm")]), None),
        (Claim(7, "demo", fields=["105 "]), None),
        (Claim(7, "demo", username="105"), None),
    ],
)
def test_what_speaks_against_a_named_vm(claim: Claim, refused: str | None) -> None:
    found = adoption.hint(claim)
    assert isinstance(found, Hint)
    assert found.refused == refused


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        (Claim(7, "demo"), "no_vm_link"),
        (Claim(7, "demo", fields=["VM-105"]), "vmid_unparsed"),
        (Claim(7, "demo", fields=["105.0"]), "vmid_unparsed"),
        (Claim(7, "demo", username="root"), "no_vm_link"),
        (Claim(7, None, links=[module(105)]), "server_not_mapped"),
    ],
)
def test_when_no_vm_can_be_named(claim: Claim, reason: str) -> None:
    assert adoption.hint(claim) == NoHint(reason)


def settled(*claims: Claim, addresses: dict[int, list[str]] | None = None) -> dict[int, str | None]:
    """Why each is not adopted."""
    disputed = adoption.disputed(
        adoption.named(claim.service_id, adoption.hint(claim), (addresses or {}).get(claim.service_id, []))
        for claim in claims
    )
    return {
        claim.service_id: adoption.settled(adoption.hint(claim), claim.service_id, disputed).refused for claim in claims
    }


def test_two_claims_on_one_vm_refuse_both_and_only_on_the_same_cluster() -> None:
    claims = [Claim(1, "a", fields=["105"]), Claim(105, "a", links=[module(None)]), Claim(3, "b", fields=["105"])]
    assert settled(*claims) == {1: "vmid_clash", 105: "vmid_clash", 3: None}


def test_services_that_share_an_address_are_not_adopted_and_a_better_reason_stays() -> None:
    claims = [Claim(1, "a", fields=["101"]), Claim(2, "a", fields=["99"]), Claim(3, "a"), Claim(4, "a", fields=["104"])]
    addresses = {1: ["192.0.2.1"], 2: ["192.0.2.1", "192.0.2.2"], 3: ["192.0.2.2"], 4: ["192.0.2.4"]}
    assert settled(*claims, addresses=addresses) == {
        1: "address_shared",
        2: "vmid_below_100",
        3: "no_vm_link",
        4: None,
    }
