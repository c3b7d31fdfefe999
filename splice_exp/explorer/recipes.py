"""The command and the Python that make what a view shows: both can be copied, and both run.

Python begins with `load`, which takes the overrides of the command line; uploads are files of the one who copies it.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from splice_exp.explorer.model import Explorer, Seen
from splice_exp.explorer.silence import FOLDER, Silence
from splice_exp.solvers.base import LassoSolver

PROGRAM = ("python", "-m", "splice_exp")
FILE = "my_image.jpg"  # in the place of an upload, whose folder no one here knows
SAVED = "without"  # folder of an edited model


@dataclass(frozen=True)
class Recipe:
    """How to make what a view shows.

    Attributes:
        command: For a terminal.
        python: For a script or a notebook.
    """

    command: str
    python: str


def of_image(model: Explorer, seen: Seen, l1_penalty: float) -> Recipe:
    """Return how the codes of an image are made.

    Args:
        model: That is looked at.
        seen: The image.
        l1_penalty: L.
    """
    lines = [*_loaded(model), f"found = model.decompose({_image(seen)}, l1_penalty={l1_penalty:.6g})"]
    lines += ["print(found.top(10), found.solution.duality_gap)", "found.plot()"]
    return Recipe(_on_images(model, "decompose", seen, *_penalty(model, l1_penalty)), _text(lines))


def of_map(model: Explorer, seen: Seen, corpus: str, foil: str) -> Recipe:
    """Return how the map of an image is made.

    Args:
        model: That is looked at.
        seen: The image.
        corpus: A text.
        foil: A text; empty: all concepts.
    """
    words = [f"evaluation.corpus.texts=[{_quoted(corpus)}]", *_choices(model, "method", "removal")]
    if foil:
        words += ["corpus@evaluation.foil=texts", f"evaluation.foil.texts=[{_quoted(foil)}]"]
    lines = ["from splice_exp.explorer.maps import explain", *_loaded(model)]
    lines += [f"found = explain(model, {_image(seen)}, {corpus!r}, {foil!r})"]
    lines += ["print(found.similarity, found.reliability)", "found.plot()"]
    return Recipe(_on_images(model, "explain", seen, *words), _text(lines))


def of_comparison(model: Explorer, first: Seen, second: Seen, l1_penalty: float) -> Recipe:
    """Return how two images are compared.

    Args:
        model: That is looked at.
        first: One image.
        second: The other.
        l1_penalty: L.
    """
    lines = ["from splice_exp.explorer.differences import compare", *_loaded(model)]
    lines += [f"first, second = {_image(first)}, {_image(second)}"]
    lines += [f"codes = [model.decompose(one, l1_penalty={l1_penalty:.6g}) for one in (first, second)]"]
    lines += ["print(compare(first, second, *codes))"]
    if first.row is None and second.row is None:
        files = ["first.jpg", "second.jpg"]
        command = shlex.join([*PROGRAM, "decompose", *files, *_others(model), *_penalty(model, l1_penalty)])
    else:
        command = _experiment(model, "decompose", *_penalty(model, l1_penalty))
    return Recipe(command, _text(lines))


def of_change(
    model: Explorer, seen: Seen, l1_penalty: float, off: Sequence[str], to: Mapping[str, float], classes: Sequence[str]
) -> Recipe:
    """Return how concepts of an image are switched off or set.

    Args:
        model: That is looked at.
        seen: The image.
        l1_penalty: L.
        off: Concepts that are switched off.
        to: Concept → its code.
        classes: Names; none: those of the data.
    """
    lines = ["from splice_exp.explorer.changes import change", *_loaded(model), f"seen = {_image(seen)}"]
    lines += [f"before = model.decompose(seen, l1_penalty={l1_penalty:.6g})"]
    lines += [f"found = change(model, seen, before, off={list(off)!r}, to={dict(to)!r}, classes={list(classes)!r})"]
    lines += ["print(found.largest())  # probabilities of the embedding, before and after"]
    return Recipe(_experiment(model, "zero_shot", *_penalty(model, l1_penalty)), _text(lines))


def of_search(model: Explorer, text: str) -> Recipe:
    """Return how samples are searched.

    Args:
        model: That is looked at.
        text: The search.
    """
    lines = ["from splice_exp.explorer.expressions import search", *_loaded(model)]
    lines += [f"rows = search(model.study.decomposition.codes, {text!r})"]
    lines += ["print([model.study.embeddings.sample_ids[row] for row in rows])"]
    return Recipe(_experiment(model, "decompose"), _text(lines))


def of_classes(model: Explorer, concept: str, name: str | None) -> Recipe:
    """Return how classes are described by concepts.

    Args:
        model: That is looked at.
        concept: Whose histogram is shown.
        name: Of the class that is shown, if there is one.
    """
    lines = ["from splice_exp.explorer.collection import by_class, concepts_of, spurious_pairs", *_loaded(model)]
    lines += [f"print(by_class(model, {concept!r}))"]
    lines += [] if name is None else [f"print(concepts_of(model, {name!r}))"]
    lines += ["print(spurious_pairs(model))"]
    return Recipe(_experiment(model, "class_concepts", *_same_codes(model)), _text(lines))


def of_head(model: Explorer, layer: int, head: int) -> Recipe:
    """Return how a head is read.

    Args:
        model: That is looked at.
        layer: Counted from 0 at the input.
        head: Counted from 0.
    """
    lines = ["from splice_exp.explorer.heads import directions", *_loaded(model)]
    lines += [f"for one in directions(model, layer={layer}, head={head}):", "    print(one.name, one.concepts)"]
    return Recipe(_experiment(model, "sith_heads", f"evaluation.reading.layers=[{layer}]"), _text(lines))


def of_silence(model: Explorer, silence: Silence) -> Recipe:
    """Return how a concept is silenced in heads.

    Args:
        model: That is looked at.
        silence: What is edited.
    """
    lines = ["from splice_exp.explorer.silence import Silence, effect, save", *_loaded(model)]
    lines += [f"silence = {silence!r}", "found = effect(model, silence)", "print(found.report, found.changed)"]
    lines += [f"print(save(model, silence, {SAVED!r}))"]
    folder = f"{model.config['paths']['results']}/{FOLDER}/{SAVED}"
    words = ["backbone=open_clip", f"backbone.model=local-dir:{folder}"]
    return Recipe(_experiment(model, "zero_shot", *words), _text(lines))


def _loaded(model: Explorer) -> list[str]:
    return ["from splice_exp.explorer.model import load", "", f"model = load({list(model.overrides)!r})"]


def _text(lines: Sequence[str]) -> str:
    """Put imports first, then a blank line, then the rest."""
    imports = [line for line in lines if line.startswith("from ")]
    rest = [line for line in lines if line and line not in imports]
    return "\n".join([*sorted(imports), "", *rest]) + "\n"


def _image(seen: Seen) -> str:
    return f"model.photo({FILE!r})" if seen.row is None else f"model.sample({seen.row})"


def _quoted(text: str) -> str:
    """Write a text so that Hydra's grammar reads it back."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _on_images(model: Explorer, name: str, seen: Seen, *words: str) -> str:
    if seen.row is None:
        return shlex.join([*PROGRAM, name, FILE, *_others(model), *words])
    return _experiment(model, name, *words)


def _experiment(model: Explorer, name: str, *words: str) -> str:
    """Write the command of an experiment on the data at hand; a group that `words` choose is theirs alone."""
    data = [] if any(word.startswith("data=") for word in model.overrides) else ["data=scenes"]
    chosen = {_group(word) for word in words if _key(word) == _group(word)} | (
        {"solver"} if name == "sith_heads" else set()
    )
    keys = {_key(word) for word in words}
    kept = [word for word in model.overrides if _key(word) not in keys and _group(word) not in chosen]
    return shlex.join([*PROGRAM, f"experiment={name}", *data, *kept, *words])


def _others(model: Explorer) -> list[str]:
    """Return the overrides that hold for other images, too."""
    return [word for word in model.overrides if _group(word) not in ("data", "method", "removal", "solver")]


def _penalty(model: Explorer, l1_penalty: float) -> list[str]:
    signed = [] if model.follower.nonnegative else ["solver.nonnegative=false"]
    return ["solver=active_set", *signed, f"solver.l1_penalty={l1_penalty:.6g}"]


def _same_codes(model: Explorer) -> list[str]:
    """Return the words by which an experiment of paths takes the penalty of the solver."""
    solver = model.setup.solver
    if not isinstance(solver, LassoSolver) or getattr(solver, "target_l0", None) or getattr(solver, "mean_l0", None):
        return []
    words = [
        "solver=path",
        "solver.target_l0=null",
        "solver.mean_l0=null",
        f"solver.l1_penalty={solver.l1_penalty:.6g}",
    ]
    return words if solver.nonnegative else [*words, "solver.nonnegative=false"]


def _choices(model: Explorer, *groups: str) -> list[str]:
    return [word for word in model.overrides if _group(word) in groups]


def _key(word: str) -> str:
    return word.partition("=")[0]


def _group(word: str) -> str:
    return _key(word).partition(".")[0].partition("@")[0]
