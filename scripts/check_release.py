"""Build what is released, and use it as a stranger would: from the files alone, in an empty environment, elsewhere.

    python scripts/check_release.py [--output dist] [--demo] [--tests]

1. The sdist, and the wheel from it.
2. `twine check --strict`: what PyPI would refuse or not be able to show.
3. The wheel in an empty environment, with the versions of `constraints.txt`: help, an image, the quickstart, the public
   names, all without the checkout.
4. With --demo: `make demo` in the unpacked sdist. With --tests: `make test` in it.

Nothing is uploaded. It ends at the first step that fails, with exit code 1 and what that step printed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
UV = Path(sys.executable).parent / "uv"
DRAWING = """
from splice_exp.data.scenes.plain import Scenes
Scenes(num_samples=1).inputs(0, 1)[0].save("drawing.png")
"""
IN_PYTHON = """
from splice_exp import Splice
found = Splice.load().decompose("drawing.png")
assert found.solution.duality_gap.max() <= 1e-6, found.solution.duality_gap
found.top(), found.plot(), found.intervene(remove=["grass"])
"""


def main() -> None:
    """Run all steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="where sdist and wheel are written")
    parser.add_argument("--demo", action="store_true", help="make demo in the unpacked sdist")
    parser.add_argument("--tests", action="store_true", help="make test in the unpacked sdist")
    arguments = parser.parse_args()
    output = arguments.output.resolve()
    step("build", [sys.executable, "-m", "build", "--outdir", output], ROOT)
    sdist, wheel = newest(output, "*.tar.gz"), newest(output, "*.whl")
    for file in (sdist, wheel):
        print(f"  {file.name}: {file.stat().st_size / 1e6:.1f} MB")
    step("twine check", [UV, "tool", "run", "twine", "check", "--strict", sdist, wheel], ROOT)
    with TemporaryDirectory() as folder:
        use_wheel(wheel, Path(folder))
        for target in [name for name in ("demo", "tests") if getattr(arguments, name)]:
            step(f"make {target} of the sdist", ["make", target.removesuffix("s")], unpacked(sdist, Path(folder)))
    print("ready: nothing was uploaded")


def use_wheel(wheel: Path, folder: Path) -> None:
    """Install the wheel into an empty environment and use it in another folder.

    Args:
        wheel: As it was built.
        folder: Empty.
    """
    environment, elsewhere = folder / "environment", folder / "elsewhere"
    elsewhere.mkdir()
    python = environment / "bin" / "python"
    step("empty environment", [UV, "venv", "--quiet", "--python", sys.executable, environment], folder)
    constraints = ["--constraint", ROOT / "constraints.txt"]
    step("install the wheel", [UV, "pip", "install", "--quiet", "--python", python, *constraints, wheel], folder)
    step("an image of the benchmark", [python, "-c", DRAWING], elsewhere)
    step("help", [environment / "bin" / "splice-exp", "--help"], elsewhere)
    step("decompose", [python, "-m", "splice_exp", "decompose", "drawing.png"], elsewhere)
    step("quickstart", [python, "-m", "splice_exp", "experiment=quickstart", "data.num_samples=100"], elsewhere)
    step("in Python", [python, "-c", IN_PYTHON], elsewhere)
    if not (elsewhere / "results" / "local" / "tables" / "quickstart.md").is_file():
        sys.exit("error: the quickstart of the wheel wrote no table.")


def unpacked(sdist: Path, folder: Path) -> Path:
    """Return the folder of the unpacked sdist; it is unpacked once.

    Args:
        sdist: As it was built.
        folder: Where to.
    """
    found = folder / sdist.name.removesuffix(".tar.gz")
    if not found.is_dir():
        with tarfile.open(sdist) as archive:
            archive.extractall(folder, filter="data")
    return found


def newest(folder: Path, pattern: str) -> Path:
    """Return the file of a pattern that was written last."""
    return max(folder.glob(pattern), key=lambda path: path.stat().st_mtime)


def step(name: str, command: Sequence[str | Path], folder: Path) -> None:
    """Run a command away from the checkout; print how long it took, or what it printed if it failed.

    Args:
        name: Of the step.
        command: Program and arguments.
        folder: Where it runs.
    """
    start = time.monotonic()
    outside = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    result = subprocess.run(list(map(str, command)), cwd=folder, env=outside, capture_output=True, text=True)
    if result.returncode:
        print(result.stdout, result.stderr, sep="\n")
        sys.exit(f"error: {name} failed with exit code {result.returncode}.")
    print(f"{name}: {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
