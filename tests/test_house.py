"""The rules of the house that no reviewer should have to remember."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from eventstore.queries import Queries

REPOSITORY = Path(__file__).resolve().parents[1]
PRODUCT = ("domain", "runtime", "eventstore", "hypervisor", "service", "projector", "orchestrator", "whmcs_import")
WITH_QUERIES = sorted(
    {path.relative_to(REPOSITORY).parts[0] for name in PRODUCT for path in REPOSITORY.glob(f"{name}/**/queries.sql")}
)
SQL = re.compile(
    r"\s*(SELECT|INSERT INTO|UPDATE \w+ SET|DELETE FROM|CREATE|ALTER|DROP|TRUNCATE|COPY|LOCK|WITH|NOTIFY|LISTEN|SET)\b"
)
NAMED = r"^-- name: (\w+)$"
# Statements that may stand in Python: a sign of life, what cannot be read from a file because it finds the files'
# tables missing, and the role that is taken before anything else.
PLAIN = {"SELECT 1", "SELECT coalesce(to_regclass($1)::oid, to_regproc($1)::oid)", "SET ROLE "}
# These ask MariaDB, or the private SQLite file of an import: no PostgreSQL.
ELSEWHERE = {
    *(
        f"whmcs_import/{name}.py"
        for name in ("source/extract", "source/staging", "mapping/rows", "mapping/shop", "planning/plan")
    ),
    *(f"whmcs_import/checking/{name}.py" for name in ("there", "verify", "verify_guests", "verify_people")),
}


def sources(*packages: str) -> list[Path]:
    return sorted(path for package in packages for path in (REPOSITORY / package).rglob("*.py"))


def statements(package: str) -> list[Path]:
    """A package keeps its statements in one file, and those of a room of its own in the room's."""
    return sorted((REPOSITORY / package).rglob("queries.sql"))


def plan() -> list[str]:
    lines = (REPOSITORY / "sqitch.plan").read_text().splitlines()
    return [line.split()[0] for line in lines if line and not line.startswith("%")]


def test_floors_hold() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([command, "--no-cache"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_package_stands_on_a_floor() -> None:
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    floors = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    packages = {path.parent.name for path in REPOSITORY.glob("*/__init__.py")} - {"tests", "bench"}
    assert {name for floor in floors for name in re.findall(r"\w+", floor)} == packages


@pytest.mark.parametrize("folder", ["deploy", "revert", "verify"])
def test_every_change_is_deployed_reverted_and_verified(folder: str) -> None:
    assert sorted(path.stem for path in (REPOSITORY / folder).glob("*.sql")) == sorted(plan())


def test_a_change_names_only_earlier_ones() -> None:
    seen: set[str] = set()
    for line in (REPOSITORY / "sqitch.plan").read_text().splitlines():
        if line and not line.startswith("%"):
            name, *needs = re.match(r"(\w+)(?: \[([^]]*)\])?", line).groups()  # type: ignore[union-attr]
            assert set((needs[0] or "").split()) <= seen, name
            seen.add(name)


def test_a_file_makes_one_object() -> None:
    for path in (REPOSITORY / "deploy").glob("*.sql"):
        assert len(re.findall(r"^CREATE TABLE", path.read_text(), re.MULTILINE)) <= 1, path.name


def strings(path: Path) -> Iterator[str]:
    """Every string of a file, the constant beginning of formatted ones, without docstrings."""
    tree = ast.parse(path.read_text())
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    bodies = [node.body[0] for node in ast.walk(tree) if isinstance(node, documented) and node.body]
    docstrings = {id(first.value) for first in bodies if isinstance(first, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


@pytest.mark.parametrize("package", PRODUCT)
def test_statements_stand_in_sql_files(package: str) -> None:
    found = [
        f"{path.relative_to(REPOSITORY)}: {text[:60]}"
        for path in sources(package)
        if str(path.relative_to(REPOSITORY)) not in ELSEWHERE
        for text in strings(path)
        if SQL.match(text) and text not in PLAIN
    ]
    assert found == []


@pytest.mark.parametrize("package", WITH_QUERIES)
def test_every_named_statement_is_used_and_every_used_one_is_there(package: str) -> None:
    text = "\n".join(path.read_text() for path in sources(package))
    names = [name for path in statements(package) for name in re.findall(NAMED, path.read_text(), re.MULTILINE)]
    used = set(re.findall(r"\b(?:SQL|QUERIES|queries)\.([a-z]\w*)", text)) | set(re.findall(r'"(\w+)"', text))
    assert len(names) == len(set(names))
    assert [name for name in names if name not in used] == []
    wanted = set(re.findall(r"\bSQL\.([a-z]\w*)", text))
    assert sorted(wanted - set(names)) == []


@pytest.mark.parametrize("package", WITH_QUERIES)
def test_every_statement_says_what_it_is_for(package: str) -> None:
    for path in statements(package):
        room = ".".join(path.relative_to(REPOSITORY).parent.parts)
        parts = re.split(r"^-- name: (\w+)\n", path.read_text(), flags=re.MULTILINE)[1:]
        for name, body in zip(parts[::2], parts[1::2], strict=True):
            assert body.startswith("-- "), name
            assert body.strip().endswith(";"), name
            assert getattr(Queries(room), name)


def test_requirements_are_pinned_hashed_and_name_no_place() -> None:
    for path in (REPOSITORY / "requirements").glob("*.txt"):
        text = path.read_text()
        entries = re.split(r"\n(?=\S)", text.replace("\\\n", " ").strip())
        entries = [entry for entry in entries if not entry.startswith("#")]
        assert entries
        for entry in entries:
            assert re.match(r"[A-Za-z0-9._-]+(\[[^]]+\])?==\S+.*--hash=sha256:[0-9a-f]{64}", entry, re.DOTALL), entry
        assert "://" not in text, path.name
        assert not re.search(r"--(extra-)?index-url|--find-links", text), path.name


def test_the_dashboards_lock_names_no_place() -> None:
    packages = json.loads((REPOSITORY / "ui" / "package-lock.json").read_text())["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []
    unpinned = [name for name, package in packages.items() if name and "integrity" not in package]
    assert [name for name in unpinned if not packages[name].get("link")] == []


def committed() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [REPOSITORY / name for name in done.stdout.split("\0") if name]


def test_committed_files_name_no_checkout() -> None:
    place = re.compile(rb"(?<![\w.])/(?:work|root|home/\w+)/\w")
    found = []
    for path in committed():
        if path.is_file() and path.suffix not in {".png", ".gz", ".ico", ".woff2"}:
            found += [
                f"{path.relative_to(REPOSITORY)}: {m.group().decode()}" for m in place.finditer(path.read_bytes())
            ]
    assert found == []


def test_paths_named_in_prose_exist() -> None:
    """A page that sends its reader to a file that was moved is worse than one that names none."""
    named = re.compile(r"`((?:[\w.-]+/)+(?:[\w.-]+\.(?:py|sql|ts|tsx|mjs|toml|md|json))?)`")
    missing = []
    for page in committed():
        if page.suffix == ".md":
            found = named.findall(page.read_text())
            missing += [
                f"{page.name}: {name}"
                for name in found
                if not any((at / name).exists() for at in (REPOSITORY, page.parent))
            ]
    assert missing == []


def test_functions_are_short() -> None:
    lengths = sorted(
        (node.end_lineno or 0) - node.lineno + 1
        for path in sources(*PRODUCT)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert lengths[len(lengths) // 2] <= 10
    assert sum(length > 60 for length in lengths) <= len(lengths) // 100


def test_replay_cannot_reach_a_hypervisor() -> None:
    """The floors would allow the projector to import the port; nothing it runs may."""
    script = (
        "import sys, projector.replay, projector.__main__\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('hypervisor', 'orchestrator', 'proxmoxer')])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_domain_knows_no_clock_no_randomness_and_no_io() -> None:
    allowed = {"__future__", "collections", "dataclasses", "datetime", "domain", "functools", "ipaddress", "re"}
    allowed |= {"typing", "uuid", "enum", "itertools", "math", "pydantic", "hashlib"}
    found = []
    for path in sources("domain"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            found += [f"{path.name}: {name}" for name in names if name.split(".")[0] not in allowed]
            if isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today", "uuid1", "uuid4"}:
                found.append(f"{path.name}: {node.attr}")
    # A command carries the time it was asked at in a field of that name.
    assert [line for line in found if line != "decide.py: now"] == []


def test_what_is_run_as_a_file_stands_beside_no_name_of_the_standard_library() -> None:
    """Python looks beside the file first: `bench/http.py` would be everybody's `http`."""
    assert not {path.stem for path in (REPOSITORY / "bench").glob("*.py")} & sys.stdlib_module_names
