"""What a user is told when something cannot be done: one sentence, no traceback."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

from splice_exp.core.keys import key_of

PREPARE = "python -m splice_exp prepare-data"
WHERE = f"{PREPARE} --help lists what it fetches; conf/data says of every other data set which files go where"
# How published data sets get to their folders, by what these are called in conf/data.
FETCHED = {
    "CUB_200_2011": "cub200",
    "coco": "coco",
    "eurosat": "eurosat",
    "waterbird_complete95_forest2water2": "waterbirds",
}
BY_HAND = {
    "MURA-v1.1": "MURA 1.1 is put there by hand, after the registration that its owners ask for",
    "NICO": "NICO_unique and NICO_unique_official of NICO++ are put there by hand",
    "imagenet": "ImageNet-1k is put there by hand, as folders of WordNet ids (val/n01440764/…)",
    "mit_states": "MIT States is put there by hand: images, and a table with columns file, noun, adjective, split",
    "stanford_cars": "Stanford Cars are put there by hand: images, and a table with columns file, label, year, split",
    "visu": "ViSU is put there by hand: images, and a table of its captions with columns safe_image and nsfw_image",
}


class SpliceError(Exception):
    """State what is wrong, what is allowed and which configuration key to change."""


def shown(items: Iterable[object], limit: int = 10) -> str:
    """List the first `limit` items and say how many more there are.

    Args:
        items: Written by `str`.
        limit: How many are listed at most.

    Example:
        >>> shown([1, 2, 3], limit=2)
        '1, 2 (and 1 more)'
    """
    listed = [str(item) for item in items]
    more = f" (and {len(listed) - limit} more)" if len(listed) > limit else ""
    return ", ".join(listed[:limit]) + more


def nearest(name: str, known: Sequence[str], limit: int = 3) -> str:
    """Phrase the names closest to `name`, for an error about a name that does not exist.

    Args:
        name: That was looked for.
        known: Those that there are.
        limit: How many are named at most.

    Example:
        >>> nearest("zebras", ["zebra", "ostrich"])
        "nearest: 'zebra'"
    """
    matches = get_close_matches(name, known, n=limit, cutoff=0.5)
    return "nearest: " + ", ".join(repr(match) for match in matches) if matches else "nothing near it"


def did_you_mean(name: str, known: Sequence[str], form: str = "{}") -> str:
    """Ask for the name closest to `name`, as it would be written; empty if none is close.

    Args:
        name: That was looked for.
        known: Those that there are.
        form: How it would be written: `{}` stands for the name.

    Returns:
        The question, or an empty text.

    Example:
        >>> did_you_mean("zero_shott", ["zero_shot", "probing"], "experiment={}")
        'did you mean experiment=zero_shot?'
        >>> did_you_mean("zebra", ["probing"])
        ''
    """
    matches = get_close_matches(name, known, n=1, cutoff=0.6)
    return f"did you mean {form.format(matches[0])}?" if matches else ""


def require_at_least(argument: str, value: object, minimum: float, of: object = None) -> None:
    """Refuse what is not a finite number of at least `minimum`.

    Args:
        argument: Name of what is checked, relative to its component.
        value: Given.
        minimum: Allowed.
        of: The component; only its constructor may leave it out. So below.

    Raises:
        SpliceError: naming the key of `argument`, the value and the bound.
    """
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not minimum <= value < float("inf"):
        raise SpliceError(f"{key_of(argument, of)} is {value!r}, but must be a finite number of at least {minimum}.")


def require_integer(argument: str, value: object, minimum: int, of: object = None) -> None:
    """Refuse what is not an integer of at least `minimum`.

    Args:
        argument: Name of what is checked, relative to its component.
        value: Given; true and false are no integers here.
        minimum: Allowed.
        of: The component; only its constructor may leave it out.

    Raises:
        SpliceError: naming the key of `argument`, the value and the bound.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
        raise SpliceError(f"{key_of(argument, of)} is {value!r}, but must be an integer of at least {minimum}.")


def require_bool(argument: str, value: object, of: object = None) -> None:
    """Refuse what is neither true nor false; the word "no" would count as true.

    Args:
        argument: Name of what is checked, relative to its component.
        value: Given.
        of: The component; only its constructor may leave it out.

    Raises:
        SpliceError: naming the key of `argument` and the value.
    """
    if not isinstance(value, bool):
        raise SpliceError(f"{key_of(argument, of)} is {value!r}, but must be true or false.")


def require_names(argument: str, value: object, of: object = None) -> None:
    """Refuse what is not a list of strings; a single string would count as its letters.

    Args:
        argument: Name of what is checked, relative to its component.
        value: Given.
        of: The component; only its constructor may leave it out.

    Raises:
        SpliceError: naming the key of `argument` and the value.
    """
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(name, str) for name in value):
        raise SpliceError(f"{key_of(argument, of)} is {value!r}, but must be a list of names, like [red, green].")


def require_choice(argument: str, value: str, allowed: Sequence[str], of: object = None) -> None:
    """Refuse a value outside `allowed`.

    Args:
        argument: Name of what is checked, relative to its component.
        value: Given.
        allowed: All values that are.
        of: The component; only its constructor may leave it out.

    Raises:
        SpliceError: naming the key of `argument`, the value and what is allowed.
    """
    if value not in allowed:
        raise SpliceError(f"{key_of(argument, of)} is {value!r}, but must be one of: {', '.join(allowed)}.")


def how_to_get(path: Path) -> str:
    """Say how a data set gets to where it was looked for; in general, where the folder is none of a published one.

    Example:
        >>> how_to_get(Path("data/eurosat/split_coop.csv"))
        'python -m splice_exp prepare-data eurosat --root data puts it there'
    """
    for folder in (path, *path.parents):
        if folder.name in FETCHED:
            name = FETCHED[folder.name]
            name += " coco_train" if "train2017" in path.parts else ""
            return f"{PREPARE} {name} --root {folder.parent} puts it there"
        if folder.name in BY_HAND:
            return BY_HAND[folder.name]
    return WHERE


def require_folder(argument: str, root: str) -> Path:
    """Return an existing folder.

    Args:
        argument: Name of what is checked, relative to the component that is being made.
        root: Path; `~` is the home folder.

    Raises:
        SpliceError: if it is not.
    """
    folder = Path(root).expanduser()
    if not folder.is_dir():
        raise SpliceError(f"{key_of(argument)} is {root!r}, but there is no such folder: {how_to_get(folder)}.")
    return folder


def require_file(argument: str, path: str) -> Path:
    """Return an existing file.

    Args:
        argument: Name of what is checked, relative to the component that is being made.
        path: `~` is the home folder.

    Raises:
        SpliceError: if it is not.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise SpliceError(f"{key_of(argument)} is {path!r}, but there is no such file: {how_to_get(file)}.")
    return file
