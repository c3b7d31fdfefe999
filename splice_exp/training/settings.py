"""What the settings of all trainings have in common: bounds of numbers, and options of a command line."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, TypeVar

from splice_exp.core.errors import require_at_least, require_choice, require_integer

S = TypeVar("S", bound="TrainingSettings")


@dataclass(frozen=True)
class TrainingSettings:
    """Numbers that decide the outcome of a training; each has a default, by whose type it is checked and parsed.

    Attributes:
        minimum: Smallest values of integers, where it is not 1.
        choices: Allowed values of texts.

    Raises:
        SpliceError: naming the option that is out of bounds.
    """

    minimum: ClassVar[Mapping[str, int]] = {"seed": 0}  # of integers; of all others it is 1
    choices: ClassVar[Mapping[str, Sequence[str]]] = {}

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            option = _option(name)
            if name in self.choices:
                require_choice(option, value, self.choices[name])
            elif isinstance(value, int):
                require_integer(option, value, self.minimum.get(name, 1))
            else:
                require_at_least(option, value, 0)

    @classmethod
    def add_options(cls, parser: ArgumentParser, explained: str) -> None:
        """Add an option for each setting.

        Args:
            parser: Of the command line.
            explained: File that says what the settings mean.
        """
        for field in fields(cls):
            parser.add_argument(
                _option(field.name), type=type(field.default), default=field.default, help=f"see {explained}"
            )

    @classmethod
    def from_options(cls: type[S], options: MutableMapping[str, Any]) -> S:
        """Take the settings out of what a parser has found.

        Args:
            options: Name → value, with one for each setting; these are removed.

        Returns:
            The settings.

        Raises:
            KeyError: if there is no value for a setting.
            SpliceError: naming an option that is out of bounds.
        """
        return cls(**{field.name: options.pop(field.name) for field in fields(cls)})


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
