"""Ask for known weaknesses of what constraints.txt names: python scripts/audit.py [constraints.txt].

pip-audit does it, through uv. Without a network, or where the service of the registry knows no advisories, nothing is
asked, and that is said: the exit code is then 0.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PIP_AUDIT = "pip-audit==2.10.1"
ROOT = Path(__file__).parents[1]


def ask(constraints: Path) -> str:
    """Return what pip-audit says of all packages, as JSON; empty, with its reason on the way, where it cannot ask."""
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "tool", "run", PIP_AUDIT, "--requirement", str(constraints)]
    try:
        answer = subprocess.run(
            [*command, "--no-deps", "--disable-pip", "--format", "json"], capture_output=True, text=True, timeout=600
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"{PIP_AUDIT} cannot be run ({error})")
        return ""
    if not answer.stdout:
        print(answer.stderr.strip().rpartition("\n")[2])
    return answer.stdout


def judge(answer: str) -> tuple[list[str], str | None]:
    """Return a line for each weakness, and why nothing was asked; None if something was.

    Args:
        answer: Of pip-audit.
    """
    if not answer:
        return [], "the service of advisories cannot be reached"
    packages: list[dict[str, Any]] = json.loads(answer)["dependencies"]
    known = [package for package in packages if "skip_reason" not in package]
    if not known:
        return [], "the service of advisories knows none of the packages"
    found = [
        f"{package['name']} {package['version']}: {weakness['id']}, fixed in "
        f"{', '.join(weakness['fix_versions']) or 'no version'}"
        for package in known
        for weakness in package["vulns"]
    ]
    return found, None


def main(constraints: Path) -> int:
    """Print what is known, and return the exit code."""
    found, skipped = judge(ask(constraints))
    if skipped is not None:
        print(f"audit of {constraints.name} skipped: {skipped}")
        return 0
    print("\n".join(found) or f"no weakness is known of what {constraints.name} names")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if sys.argv[1:] else ROOT / "constraints.txt"))
