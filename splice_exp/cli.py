"""The command line: Hydra composes the configuration, `run` does the work, `sweep` reports it.

Torch is imported when the work begins, so that `--help` and typing errors answer at once.
"""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from omegaconf import MISSING, DictConfig, OmegaConf

log = logging.getLogger(__name__)

PACKAGE = Path(__file__).parent
# Inside the wheel, or beside the package in a checkout; absolute, so that the command works from any folder.
CONFIG_DIRECTORY = PACKAGE / "conf" if (PACKAGE / "conf").is_dir() else PACKAGE.parent / "conf"


class Device(Enum):
    """Where to solve; `auto` takes CUDA where there is one."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


@dataclass
class Config:
    """The typed root: what is not of these types is refused before anything is built."""

    name: str = MISSING
    table: str = MISSING
    seed: int = 0
    device: Device = Device.auto
    force: bool = False
    backbone: Any = MISSING
    data: Any = MISSING
    vocabulary: Any = MISSING
    dictionary: Any = MISSING
    alignment: Any = MISSING
    solver: Any = MISSING
    evaluation: Any = MISSING
    report: Any = MISSING
    logger: Any = MISSING
    paths: Any = MISSING


def resolve(config: DictConfig) -> dict[str, Any]:
    """Return the plain configuration: interpolations resolved, enumerations by name, without Hydra's own node."""
    return {str(key): _plain(config, str(key)) for key in config if key != "hydra"}


def _plain(config: DictConfig, key: str) -> Any:
    value = config[key]
    if OmegaConf.is_config(value):
        return OmegaConf.to_container(value, resolve=True, throw_on_missing=True)
    return value.name if isinstance(value, Enum) else value


def _run_id(*, _root_: DictConfig) -> str:
    from splice_exp.core.provenance import SCIENCE, run_id

    return run_id({key: _plain(_root_, key) for key in SCIENCE})


OmegaConf.register_new_resolver("run_id", _run_id, replace=True)
OmegaConf.register_new_resolver("package_file", lambda path: str(PACKAGE / path), replace=True)
ConfigStore.instance().store("typed_root", Config)


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIRECTORY), config_name="config")
def job(config: DictConfig) -> None:
    """Do one point; a failure is recorded in its directory, so that the other points of a sweep go on."""
    from splice_exp.core.errors import SpliceError
    from splice_exp.core.io import write_json
    from splice_exp.report.records import ERROR
    from splice_exp.run import run

    directory = Path(HydraConfig.get().runtime.output_dir)
    try:
        run(resolve(config), directory)
    except SpliceError as error:
        write_json(directory / ERROR, {"error": str(error)})
    except Exception as error:
        log.exception("unexpected: this is a mistake of splice_exp, not yours")
        write_json(directory / ERROR, {"error": f"{type(error).__name__}: {error} (traceback in {directory / 'run.log'})"})


def main() -> None:
    """Run the command; exit code 1 if any point failed. The last line says where the results are."""
    # Hydra would import callbacks for --help too, and they need torch.
    job()
    outcome = sys.modules.get("splice_exp.sweep")
    if outcome is None:
        return
    for failure in outcome.OUTCOME.failures:
        print(f"error: {failure}", file=sys.stderr)
    if outcome.OUTCOME.directory is not None:
        print(f"results: {os.path.relpath(outcome.OUTCOME.directory)}")
    sys.exit(1 if outcome.OUTCOME.failures else 0)
