"""Shared fixtures. Shapes and types of all annotated functions are checked at run time, sockets are blocked.

Imported without torch: the process that only hands tests to others has this file, too.
"""

from __future__ import annotations

import gc
import importlib.util
import os
import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from jaxtyping import install_import_hook

import tests.typechecker  # noqa: F401  the hook finds it by name

install_import_hook("splice_exp", "tests.typechecker.check")

import numpy as np  # noqa: E402
import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

from splice_exp.core.io import write_json  # noqa: E402

if TYPE_CHECKING:
    import torch

settings.register_profile("splice_exp", derandomize=True, deadline=None, max_examples=25)
settings.load_profile("splice_exp")

REAL = "SPLICE_EXP_REAL_DATA"  # folder with text/, embeddings/ and means/ of OpenAI CLIP ViT-B/32
CACHE = "SPLICE_EXP_TEST_CACHE"  # folder of embeddings, codes and maps that all tests of a run share, by content
FIRST = ("kernels", "trained")  # groups that two workers begin with: one compiles what the other does not need yet


def pytest_configure(config):
    """Make the cache before workers start, which inherit its name; take away the width that xdist sets.

    Groups of tests are handed out in the order of `pytest_collection_modifyitems`, and not by how many they are.
    """
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False
    if importlib.util.find_spec("readline"):
        importlib.import_module("readline")  # it sets the width, too, behind the back of Python, when it comes first
    os.environ.pop("COLUMNS", None)  # messages would be wrapped
    os.unsetenv("COLUMNS")
    if not hasattr(config, "workerinput"):
        os.environ[CACHE] = mkdtemp(prefix="splice_exp_tests_")


@pytest.hookimpl(wrapper=True)  # around xdist, which looks at groups
def pytest_collection_modifyitems(config, items):
    """Keep tests that share what their file makes once in one process, and begin with what takes long."""
    for item in items:
        if group_of(item) is None and shares_what_its_file_makes(item):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
    long = {group_of(item) or item.nodeid for item in items if item.get_closest_marker("slow")}

    def place(item):
        group = group_of(item)
        return FIRST.index(group) if group in FIRST else len(FIRST), (group or item.nodeid) not in long

    items.sort(key=place)  # stable: else in the order of files
    yield
    if getattr(config.option, "loadgroup", False):  # in a worker of --dist loadgroup
        for item in items:
            name_after_group(item)


def name_after_group(item):
    """Let the name of a test end with that of its group, if it has one: what hands tests out looks there.

    xdist 3.8 writes it where pytest before 9.2 kept the name. Since then it has no effect, and nothing says so.
    """
    group = group_of(item)
    if group and not item.nodeid.endswith(f"@{group}"):
        name = f"{item.nodeid}@{group}"
        if hasattr(item, "_id"):
            item._id = type(item._id).parse(name)
        else:
            item._nodeid = name


def group_of(item):
    """Return the group of a test, of which all run in one process."""
    mark = item.get_closest_marker("xdist_group")
    return mark.args[0] if mark else None


def shares_what_its_file_makes(item):
    """Say whether a test asks for a fixture that is made once for all tests of a file."""
    made = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    return any(fixtures[-1].scope == "module" for fixtures in made.values())


def pytest_collection_finish():
    """Leave all that was imported to itself: looking for garbage in it was a tenth of the time of the tests."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_sessionfinish():
    """Let the interpreter clear up at its end."""
    gc.unfreeze()


def pytest_unconfigure(config):
    """Remove it when all workers have ended."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop(CACHE), ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Workers share the cores; more threads a worker would only fight over them."""
    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real embeddings, where there is one."""
    folder = os.environ.get(REAL)
    if not folder or not Path(folder).is_dir():
        pytest.skip(f"{REAL} does not name a folder with real embeddings")
    return Path(folder)


def unit_rows(rows: int, dim: int, seed: int, dtype: torch.dtype | None = None) -> torch.Tensor:
    """Independent Gaussian directions, float32 unless `dtype` is another."""
    import torch
    from torch.nn.functional import normalize

    draws = np.random.default_rng(seed).standard_normal((rows, dim))
    return normalize(torch.from_numpy(draws), dim=1).to(dtype or torch.float32)


def correlated_atoms(rows: int, dim: int, seed: int, dtype: torch.dtype | None = None) -> torch.Tensor:
    """Atoms with near-synonyms, as texts have them: half of them are noisy copies of the other half."""
    import torch
    from torch.nn.functional import normalize

    base = unit_rows(rows - rows // 2, dim, seed, torch.float64)
    copies = base[: rows // 2] + 0.3 * unit_rows(rows // 2, dim, seed + 1, torch.float64)
    return normalize(torch.cat([base, copies]), dim=1).to(dtype or torch.float32)


def planted_targets(atoms: torch.Tensor, rows: int, seed: int) -> torch.Tensor:
    """Noisy nonnegative mixtures of three atoms."""
    import torch
    from torch.nn.functional import normalize

    random = np.random.default_rng(seed)
    codes = torch.zeros(rows, len(atoms), dtype=atoms.dtype)
    for row in range(rows):
        chosen = random.choice(len(atoms), 3, replace=False)
        codes[row, chosen] = torch.from_numpy(random.uniform(0.3, 1.0, 3)).to(atoms.dtype)
    noise = unit_rows(rows, atoms.shape[1], seed + 1, atoms.dtype)
    return normalize(codes @ atoms + 0.5 * noise, dim=1)


@pytest.fixture
def embedding_files(tmp_path: Path) -> dict[str, Path]:
    """A small bank of texts, images of three of its classes, and an image mean, as files of the documented layout."""
    import torch
    from torch.nn.functional import normalize

    from splice_exp.core.tensors import write_tensors

    names = ["cat", "dog", "Polar Bear", "red", "snow", "grass", "tree", "car"]
    texts = unit_rows(len(names), 16, seed=0)
    labels = torch.arange(12) % 4
    classes = ["cat", "dog", "polar_bear", "unicorn"]  # nobody has a text for the last
    mean = 0.5 * unit_rows(1, 16, seed=1)[0]
    features = normalize(mean + 0.5 * texts[labels % 4] + 0.2 * unit_rows(12, 16, seed=2), dim=1)
    encoder = {"backbone": "Tiny", "pretrained": "tests"}
    write_tensors(tmp_path / "T.safetensors", {"embeddings": texts.half()})
    write_json(tmp_path / "T.json", {**encoder, "texts": names})
    write_tensors(tmp_path / "E.safetensors", {"embeddings": features.half(), "labels": labels})
    write_json(tmp_path / "E.json", {**encoder, "classes": classes, "files": [f"{i}.jpg" for i in range(12)]})
    write_tensors(tmp_path / "M.safetensors", {"mean": mean})
    return {name: tmp_path / f"{name}.safetensors" for name in "TEM"}
