"""What was mistyped on the command line, said in one sentence.

Hydra hints at adding keys, which is refused here, and lists its search path. What can be set instead is read from the
defaults of the chosen experiment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import CompactHydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from splice_exp.configuration import CONFIG_DIRECTORY
from splice_exp.core.errors import SpliceError


def in_a_sentence(error: CompactHydraException, words: Sequence[str]) -> str:
    """Say what was mistyped.

    Args:
        error: Of Hydra.
        words: The command line.
    """
    text, reason = str(error), error.__cause__
    if found := re.match(r"Could not override '([^']+)'", text):
        return _no_such_key(found[1], reason, words)
    lines = [line.strip() for line in text.partition("Config search path")[0].splitlines() if line.strip()]
    if isinstance(reason, OmegaConfBaseException):
        lines.append(str(reason).splitlines()[0])
    heads = [place for place, line in enumerate(lines) if line.startswith("Available options")]
    if heads:
        return f"{' '.join(lines[: heads[0]])}. {lines[heads[0]]} {', '.join(lines[heads[0] + 1 :])}"
    return " ".join(lines)


def require_parts(config: DictConfig, choices: Iterable[str]) -> None:
    """Refuse `evaluation.rule=above`, which would put a word where a component belongs.

    Args:
        config: Composed.
        choices: Groups that were chosen, as Hydra records them.

    Raises:
        SpliceError: saying how the component is chosen.
    """
    for choice in choices:
        place = choice.partition("@")[2]
        word = OmegaConf.select(config, place) if place else None
        if isinstance(word, str):
            raise SpliceError(f"{place} is {word!r}, but must be a component: write {choice}={word}.")


def _no_such_key(key: str, reason: BaseException | None, words: Sequence[str]) -> str:
    group = key.partition("@")[0]
    if "." not in group and (CONFIG_DIRECTORY / group).is_dir():
        return _chosen_elsewhere(key, group, words)
    cause = str(reason).splitlines()[0] if isinstance(reason, OmegaConfBaseException) else "there is no such key"
    advice = "python -m splice_exp --cfg job prints all keys"
    parts = [part for part in _parts(words, key) if key.startswith(part.partition("@")[2] + ".")]
    if parts:
        part = max(parts, key=len)
        advice += f", and {part}=CHOICE takes another kind of it (CHOICE: a file of conf/{part.partition('@')[0]})"
    return f"{key} cannot be set ({cause}): {advice}."


def _chosen_elsewhere(key: str, group: str, words: Sequence[str]) -> str:
    """Say how a group is chosen that is not where it was looked for."""
    parts = [part for part in _parts(words, key) if part.partition("@")[0] == group]
    if parts:
        value = next((word.partition("=")[2] for word in words if word.startswith(f"{key}=")), "CHOICE")
        return f"{key} cannot be set here: write {' or '.join(f'{part}={value}' for part in parts)}."
    files = sorted(CONFIG_DIRECTORY.glob("evaluation/*.yaml"))
    having = [file.stem for file in files if f"/{group}@" in file.read_text()]
    elsewhere = f", but evaluation={', '.join(having)} have one" if having else ""
    return f"{key} cannot be set here: what was chosen has no such part{elsewhere}."


def _parts(words: Sequence[str], key: str) -> list[str]:
    """Return the groups that stand inside components of the chosen experiment, as `rule@evaluation.rule`.

    Args:
        words: The command line; what cannot be composed is left out, and so is what `key` was set to.
        key: The one that Hydra refused.
    """
    given = [word for word in words if "=" in word and not word.startswith((f"{key}=", "-"))]
    experiment = [word for word in given if word.startswith("experiment=")]
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONFIG_DIRECTORY), version_base="1.3"):
        for overrides in (given, experiment, []):
            try:
                config = compose("config", overrides=overrides, return_hydra_config=True)
            except CompactHydraException:  # another word is wrong, too
                continue
            return [choice for choice in config.hydra.runtime.choices if "@" in choice]
    return []
