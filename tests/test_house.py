"""The house: which folder may import which, no circles, and no file that is too long to read."""

import ast
import re
from functools import cache

import pytest
from conftest import REPO

FOLDERS = ("model", "dataset", "footage", "spotting", "label_forms", "checks", "evaluation", "util", "plots", "viewer",
           "simulation", "bench")
SCRIPTS = sorted(REPO.glob("*.py"))
MODULES = {".".join(path.relative_to(REPO).with_suffix("").parts): path
           for path in [*SCRIPTS, *(path for folder in FOLDERS for path in sorted((REPO / folder).glob("*.py")))]}


@cache
def imported(module):
    """The modules of ours that one imports, for types alone too."""
    nodes = list(ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))))
    names = [f"{node.module}.{alias.name}" for node in nodes if isinstance(node, ast.ImportFrom)
             for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    names += [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    return sorted(set(names) & set(MODULES))


def folder(module):
    return module.partition(".")[0]


def test_nothing_imports_itself_by_way_of_others():
    left = set(MODULES)
    while free := {module for module in left if not left & set(imported(module))}:
        left -= free
    assert not left


@pytest.mark.parametrize(("of", "never"), [
    ("util", set(FOLDERS) - {"util"}), ("model", set(FOLDERS) - {"model", "util"}),
    ("dataset", {"model", "evaluation", "spotting", "viewer"}),
    ("evaluation", {"model", "dataset", "footage", "spotting", "checks", "plots", "viewer"}),
    ("simulation", set(FOLDERS) - {"simulation", "util"}),
    ("footage", {"model", "evaluation", "viewer", "checks", "spotting"}),
    ("spotting", {"viewer", "checks", "simulation", "plots"}),
])
def test_arrows_go_one_way(of, never):
    assert not [(module, other) for module in MODULES if folder(module) == of for other in imported(module)
                if folder(other) in never]


def test_no_folder_imports_a_script_but_bench_which_measures_them():
    scripts = {path.stem for path in SCRIPTS}
    assert not [module for module in MODULES if folder(module) not in scripts | {"bench"}
                and set(imported(module)) & scripts]


def test_a_file_is_short_enough_to_read():
    most = {path: 330 if path in SCRIPTS else 400 for path in MODULES.values()}
    most |= dict.fromkeys((REPO / "viewer" / "static").glob("*.*s"), 400)
    assert not [path for path, lines in most.items() if len(path.read_text(encoding="utf-8").splitlines()) > lines]


def test_an_installation_has_every_room_that_what_is_used_elsewhere_imports():
    """pip install ."""
    text = (REPO / "pyproject.toml").read_text(encoding="utf-8")
    packages = set(re.findall(r"[a-z_]+", re.search(r"^packages = \[(.*?)\]", text, re.M | re.S)[1]))
    needed = {folder(other) for module in MODULES if folder(module) in packages for other in imported(module)}
    assert needed <= packages
    assert all((REPO / name / "__init__.py").is_file() for name in packages)
