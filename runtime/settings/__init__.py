"""Settings: the environment and one `hostler.toml`. Secrets are named by file, never written in it.

A wrong or missing setting raises `SettingsError` with one line that names it and the mend.
"""

from runtime.settings.config import Config, load
from runtime.settings.doors import Auth, Letters, Limits, Mail, Oidc, Webhooks
from runtime.settings.environment import Settings
from runtime.settings.offers import Image, Location, Plan
from runtime.settings.policy import DriftPolicy, Policy
from runtime.settings.pools import Pool
from runtime.settings.proxmox import Cluster, Slots, Snippets
from runtime.settings.section import Address, Section, SettingsError, read_secret

__all__ = [
    "Address",
    "Auth",
    "Cluster",
    "Config",
    "DriftPolicy",
    "Image",
    "Letters",
    "Limits",
    "Location",
    "Mail",
    "Oidc",
    "Plan",
    "Policy",
    "Pool",
    "Section",
    "Settings",
    "SettingsError",
    "Slots",
    "Snippets",
    "Webhooks",
    "load",
    "read_secret",
]
