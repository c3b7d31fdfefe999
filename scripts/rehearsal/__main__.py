"""Rehearse presets, two at a time, each in its own process; exit code 1 if one fails."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import sys
import time
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path

if __name__ == "__main__":  # before torch is imported, and not where tests import this
    os.environ |= {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "OPENAI_API_KEY": "rehearsal", "MPLBACKEND": "agg"}

from scripts import rehearsal
from scripts.rehearsal import judge
from scripts.rehearsal.presets import PRESETS, REAL

MARK = "made_by_the_rehearsal"


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.rehearsal",
        description=rehearsal.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("only", nargs="*", help="presets that begin so; all by default")
    parser.add_argument("--folder", type=Path, default=Path("results/local/rehearsal"), help="created again")
    parser.add_argument("--processes", type=int, default=2)
    chosen = parser.parse_args()
    presets = [name for name in PRESETS if not chosen.only or name.startswith(tuple(chosen.only))]
    if not presets:
        parser.error(f"no preset begins with {' or '.join(chosen.only)}: there are {', '.join(PRESETS)}")
    folder = chosen.folder.resolve()
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).is_file():
        parser.error(f"--folder is {folder}, which holds other things: name a new folder")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MARK).touch()
    sys.exit(1 if rehearse_all(presets, folder, chosen.processes) else 0)


def rehearse_all(presets: list[str], folder: Path, processes: int) -> int:
    """Write stand-ins, rehearse presets, say what became of each, and return how many failed."""
    from scripts.rehearsal.stand_ins import StandIns  # with torch: only where there is something to do

    start = time.perf_counter()
    forked = multiprocessing.get_context("fork")  # children have imported everything already
    bound = judge.server()
    answering = forked.Process(target=bound.serve_forever, daemon=True)
    answering.start()
    stand_ins = StandIns(folder / "stand_ins", judge.url_of(bound))
    real = not REAL.isdisjoint(presets)
    writers = [forked.Process(target=write) for write in ((stand_ins.write, stand_ins.write_real)[: 1 + real])]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        if writer.exitcode:
            sys.exit("error: the stand-ins could not be written")
    print(f"stand-ins in {folder / 'stand_ins'}, {time.perf_counter() - start:.0f} s", flush=True)
    waiting, running, failed = list(presets), {}, 0
    found: dict[str, dict] = {}
    while waiting or running:
        while waiting and len(running) < processes:
            preset = waiting.pop(0)
            process = forked.Process(target=stand_ins.rehearse, args=(preset, folder / preset, preset in REAL))
            process.start()
            running[process.sentinel] = (preset, process)
        for sentinel in wait(list(running)):
            preset, process = running.pop(sentinel)
            process.join()
            found[preset] = outcome_of(folder / preset, process)
            failed += bool(found[preset]["errors"])
            print(in_a_line(preset, found[preset]), flush=True)
    answering.terminate()
    print(f"\n{len(presets) - failed} of {len(presets)} presets, {time.perf_counter() - start:.0f} s. Rows:\n")
    for preset in presets:
        print(*in_rows(preset, found[preset]), sep="\n")
    return failed


def outcome_of(folder: Path, process: BaseProcess) -> dict:
    """Read what a process left behind; one that died has failed."""
    path = folder / "outcome.json"
    if path.is_file():
        return json.loads(path.read_text())
    lost = {
        "built": [],
        "parts": [],
        "computed": [],
        "published": (0, 0),
        "seconds": 0,
        "processor": 0,
        "memory": 0,
        "swept": "?",
    }
    return {**lost, "errors": [f"its process ended with exit code {process.exitcode}, see {folder / 'output.txt'}"]}


def in_a_line(preset: str, outcome: dict) -> str:
    """Say what became of a preset."""
    filled, cells = outcome["published"]
    parts = [f"{len(outcome['built'])} built", f"{len(outcome['computed'])} computed"]
    parts += [f"{filled} of {cells} published numbers beside"] if cells else []
    parts += ["ViT-B/32 in full"] if preset in REAL else []
    time_taken = f"{outcome['seconds']:5.1f} s, {outcome['processor']:5.1f} s of processor"
    memory = f"{outcome['memory'] / 2**30:.1f} GiB"
    return f"{'FAILED' if outcome['errors'] else 'ok    '} {preset:26} {time_taken}, {memory}: {', '.join(parts)}"


def in_rows(preset: str, outcome: dict) -> list[str]:
    """List the rows of a preset: what is swept, those computed, and errors."""
    lines = [f"{preset}: {outcome['swept']}"]
    lines += [f"    built: {', '.join(outcome['parts'])}"] if outcome["parts"] else []
    lines += [f"    computed: {label}" for label in outcome["computed"]]
    return lines + [f"    error: {error}" for error in outcome["errors"]]


if __name__ == "__main__":
    main()
