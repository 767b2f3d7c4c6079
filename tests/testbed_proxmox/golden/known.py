"""The records that the testbed answers otherwise than recorded, by the reason why."""

KNOWN: dict[str, tuple[str, ...]] = {
    "The recording machine lacked the helper of `termproxy`; here it works, and its task ends otherwise": (
        "08/termproxy-no-serial",
        "09/tasks-list-vmid",
        "09/tasks-list-errors",
        "16/ws-termproxy",
    ),
    "The recording machine lacked pve-qemu's list of machine types": ("14/capabilities-machines",),
    "The recording machine's hosts file knew its name in capitals": ("16/uppercase-node",),
    "The guest was another system, whose release has no version": ("08/agent-get-osinfo",),
    "pvedaemon ended while it had this very call; here it answers in no time, so that no call is ever caught": (
        "11/D:protected-get-0",
    ),
    "The recording client broke off while it was sending, and never read the answer": ("16/post-body-600k",),
}
