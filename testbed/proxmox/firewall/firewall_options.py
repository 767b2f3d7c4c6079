"""The options of the firewall for the cluster, a node and a guest (pve-firewall Firewall.pm *_option_properties)."""

import re

from testbed.proxmox import formats
from testbed.proxmox.firewall.firewall_rules import LOG_LEVEL
from testbed.proxmox.formats import PropertyString
from testbed.proxmox.schema import FormatError, Param

HELPERS = ("amanda", "ftp", "irc", "netbios-ns", "pptp", "sane", "sip", "snmp", "tftp")
BOOLEAN = Param("boolean")
POLICY = Param(enum=("ACCEPT", "REJECT", "DROP"))
FORWARD_POLICY = Param(enum=("ACCEPT", "DROP"))
RATE = PropertyString(
    {
        "enable": Param("boolean", optional=False),
        "rate": Param(pattern=r"[1-9][0-9]*/(second|minute|hour|day)"),
        "burst": Param("integer", minimum=0),
    },
    default_key="enable",
)


def _helpers(text: str) -> None:
    for helper in re.split(",", text):
        if not helper:
            raise FormatError("extraneous commas in list")
        if helper not in HELPERS:
            raise FormatError(f"unknown helper {helper}")


CLUSTER = {
    "enable": Param("integer", minimum=0),
    "ebtables": BOOLEAN,
    "policy_in": POLICY,
    "policy_out": POLICY,
    "policy_forward": FORWARD_POLICY,
    "log_ratelimit": Param(check=lambda text: RATE.parse(text, "log_ratelimit")),
}
HOST = {
    **dict.fromkeys(("enable", "nosmurfs", "tcpflags", "ndp", "nf_conntrack_allow_invalid"), BOOLEAN),
    **dict.fromkeys(("protection_synflood", "log_nf_conntrack", "nftables"), BOOLEAN),
    **dict.fromkeys(("log_level_in", "log_level_out", "log_level_forward"), LOG_LEVEL),
    **dict.fromkeys(("tcp_flags_log_level", "smurf_log_level"), LOG_LEVEL),
    "nf_conntrack_max": Param("integer", minimum=32768),
    "nf_conntrack_tcp_timeout_established": Param("integer", minimum=7875),
    "nf_conntrack_tcp_timeout_syn_recv": Param("integer", minimum=30, maximum=60),
    "nf_conntrack_helpers": Param(check=_helpers),
    "protection_synflood_rate": Param("integer"),
    "protection_synflood_burst": Param("integer"),
}
GUEST = {
    **dict.fromkeys(("enable", "macfilter", "dhcp", "ndp", "radv", "ipfilter"), BOOLEAN),
    **dict.fromkeys(("policy_in", "policy_out"), POLICY),
    **dict.fromkeys(("log_level_in", "log_level_out"), LOG_LEVEL),
}
#: What every call that changes options takes beside them.
CHANGE = {"delete": Param(check=formats.config_id_list, listed=True), "digest": Param(max_length=64)}
