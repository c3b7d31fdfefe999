"""What edits of heads are compared with: energy-matched random edits, and heads that are ablated as a whole."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from jaxtyping import Float
from torch import Tensor

from splice_exp.backbones.base import Backbone
from splice_exp.core.measures import Measure, Unit
from splice_exp.core.statistics.intervals import of_group
from splice_exp.heads.editing import Plan, edited
from splice_exp.heads.rules import energy_of, random_factors

EDIT = (
    Measure("edit/num_edited", "vectors edited", Unit.COUNT),
    Measure("edit/num_vectors", "vectors", Unit.COUNT),
    Measure("edit/energy", "relative squared norm", Unit.SHARE),
)
STATES = {"before": "before", "after": "after", "random": "energy-matched random edits"}
DIRECT = {  # of the class token alone: what later layers see stays as it is
    "direct": "vectors taken from the class token",
    "direct_random": "random vectors taken from the class token",
    "ablated": "heads ablated",
}


def before_and_after(
    name: str, heading: str, unit: Unit, higher_is_better: bool | None, states: Mapping[str, str] = STATES
) -> tuple[Measure, ...]:
    """Declare a measure of a model before and after an edit, and of what the edit is compared with.

    Args:
        name: Of the measure; a state follows it, after an underscore.
        heading: In tables; the words of the state follow it.
        unit: Of the values.
        higher_is_better: None where neither is.
        states: What is measured → its words; by default before and after the edit, and after a random one.
    """
    return tuple(
        Measure(f"{name}_{state}", f"{heading}, {words}", unit, higher_is_better) for state, words in states.items()
    )


def listed(planned: Plan, count: int = 12) -> pd.DataFrame:
    """Return the vectors of the highest scores: name, score, factor, and the concepts of both signed directions.

    Args:
        planned: The plan of an edit.
        count: How many vectors are listed at most.
    """
    scores, factors = planned.scores.flatten(), planned.factors.flatten()
    lists = [", ".join(name for name, _ in concepts) for concepts in planned.explanations.top(3)]
    return pd.DataFrame(
        [
            (
                planned.spectra.names[place],
                float(scores[place]),
                float(factors[place]),
                *lists[2 * place : 2 * place + 2],
            )
            for place in scores.argsort(descending=True, stable=True)[:count].tolist()
        ],
        columns=["vector", "score", "factor", "direction +", "direction −"],
    )


def random_edit(backbone: Backbone, plan: Plan, constants: str, seed: int) -> Backbone:
    """Return a backbone with an energy-matched edit of vectors that are sampled from all.

    Args:
        backbone: The one to copy; stays as it is.
        plan: Whose relative squared norm is matched.
        constants: Whether what heads write whatever they read is `edited`, too, or `kept`.
        seed: Of the sampling.
    """
    return edited(backbone, plan.spectra, drawn_factors(plan, seed), constants)[0]


def drawn_factors(plan: Plan, seed: int) -> Float[Tensor, "L H r"]:
    """Return the factors of an energy-matched edit of vectors that are sampled from all.

    Args:
        plan: Whose relative squared norm is matched.
        seed: Of the sampling.
    """
    gains = plan.spectra.gains
    return random_factors(gains.flatten(), plan.factors.flatten(), seed).view(gains.shape)


def heads_of(plan: Plan) -> list[tuple[int, int]]:
    """Return the heads that an edit is about: the highest mean scores, until they match its energy.

    Means are weighted by squared singular values; a head is the index of its layer in the plan, and its number.
    """
    energies = plan.spectra.gains.square()
    of_heads = energies.sum(dim=2)
    scores = (plan.scores * energies).sum(dim=2) / of_heads
    left = energy_of(plan.spectra.gains.flatten(), plan.factors.flatten())
    found: list[tuple[int, int]] = []
    for place in scores.flatten().argsort(descending=True, stable=True).tolist():
        if left <= 0:
            break
        layer, head = divmod(place, scores.shape[1])
        found.append((layer, head))
        left -= float(of_heads[layer, head])
    return found


def zero_shot(features: Float[Tensor, "n e"], texts: Float[Tensor, "c e"]) -> np.ndarray:
    """Return the class of the nearest text of each row.

    Args:
        features: Image embeddings.
        texts: Unit rows, one per class.

    Returns:
        Its index, (n,).
    """
    return np.asarray((features.double() @ texts.double().T).argmax(dim=1))


def worst_group(right: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return values whose mean is the accuracy of the worst group, and whose mean varies as that does.

    Args:
        right: Whether each sample is classified rightly, (n,).
        groups: Numbers from 0, (n,).
    """
    of_groups = [of_group(right, groups == group) for group in range(groups.max() + 1)]
    return of_groups[int(np.argmin([values.mean() for values in of_groups]))]
