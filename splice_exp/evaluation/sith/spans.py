"""Which texts span what a head adds to embeddings: those chosen by images (TextSpan), or those read from its weights?

Both name a head by as many texts, and one number judges both: the share of the variance of the head's contributions
that lies in the span of its texts. TextSpan chooses by a half of the images, and is judged on the other; singular
vectors are read without any. It stands beside the codes of singular vectors, not among the solvers that find these,
since it explains a head and not one direction: no question about vectors could be asked of it.

References:
    Gandelsman, Efros, Steinhardt. Interpreting CLIP's image representation via text-based decomposition. ICLR 2024.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from splice_exp.core.codes import Codes
from splice_exp.core.errors import SpliceError, require_integer
from splice_exp.core.keys import key_of
from splice_exp.core.measures import Measure, Unit, beside
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import KKT, NUM_SAMPLES, Evaluation, Findings, Metric
from splice_exp.evaluation.sith.head_activations import head_writes, heads_of_vectors, read_heads
from splice_exp.heads.projection import Projection
from splice_exp.heads.reading import Reading
from splice_exp.heads.text_span import explained_variance, text_span

DRAWS = 10  # sets of random texts

MEASURES = (
    *beside(
        Measure("spans/text_span", "variance in the span of TextSpan's texts", Unit.SHARE, True),
        null="variance in the span of random texts",
        ceiling="variance in as many principal components",
    ),
    Measure("spans/vectors", "variance in the span of concepts of singular vectors", Unit.SHARE, True),
    Measure("spans/shared", "texts of TextSpan among concepts of singular vectors", Unit.SHARE),
    Measure("spans/num_heads", "heads", Unit.COUNT),
    KKT,
    NUM_SAMPLES,
)


class SithSpans(Evaluation):
    """The variance of heads' contributions in the span of some texts, on images that played no part in choosing them.

    `text_span`: texts by TextSpan, on the other half of the images. `vectors`: as many concepts of the codes of the
    head's singular vectors, the first of each signed direction before the second of any, large singular values first.
    Contributions are those of the direct path, without the length that the last LayerNorm gives to an image. Beside
    them random texts, and the principal components of the other half: no texts can do better on that half.

    Args:
        reading: Which heads, and how their vectors are read.
        texts: Of each head.
        bootstrap_resamples: For the 95 % intervals, over heads.
        seed: Of the halves and of random texts.
    """

    measures = MEASURES

    def __init__(self, reading: Reading, texts: int = 5, bootstrap_resamples: int = 1000, seed: int = 0) -> None:
        super().__init__(bootstrap_resamples, seed)
        require_integer("texts", texts, 1)
        if reading.tower != "image" or reading.side != "writes":
            raise SpliceError(
                f"evaluation=sith_spans looks at what heads write on images: set {key_of('reading.tower')}=image and "
                f"{key_of('reading.side')}=writes."
            )
        self._reading, self._texts = reading, texts

    def evaluate(self, study: Study) -> Findings:
        """Choose texts two ways, and judge both.

        Raises:
            SpliceError: if the backbone has no such heads, or the data are not images.
        """
        reading, atoms, concepts = self._reading, study.dictionary.atoms, study.dictionary.concepts
        read = read_heads(study, reading)
        written = head_writes(study, tuple(reading.layers)).flatten(1, 2)
        direct = Projection(reading.tower_of(study.backbone), "linear")
        order = torch.from_numpy(self._permutation(len(written)))
        chosen_on, judged_on = order[: len(order) // 2], order[len(order) // 2 :]
        of_poles = heads_of_vectors(read.names)
        heads = tuple(dict.fromkeys(of_poles))
        lines, samples = [], []
        for place, head in enumerate(heads):
            points = direct.project(written[:, place])
            own = text_span(points[chosen_on], atoms, self._texts)
            rows = [row for row, name in enumerate(of_poles) if name == head]
            vectors = concepts_of(read.explanations.solution.codes, rows, self._texts)
            judged = points[judged_on]
            samples.append(
                {
                    "spans/text_span": explained_variance(judged, atoms[own]),
                    "spans/text_span_null": self._random(judged, atoms, len(own), place),
                    "spans/text_span_ceiling": explained_variance(judged, components(points[chosen_on], len(own))),
                    "spans/vectors": explained_variance(judged, atoms[vectors]),
                    "spans/shared": float(torch.isin(own, vectors).double().mean()) if len(own) else 0.0,
                }
            )
            lines.append((head, _listed(concepts, own), _listed(concepts, vectors)))
        columns = {name: np.array([one[name] for one in samples]) for name in samples[0]}
        metrics: dict[str, Metric] = {
            **self._summarised(columns),
            "spans/num_heads": len(heads),
            "solver/kkt_max": float(read.explanations.solution.kkt_violation.max()),
            "data/num_samples": len(judged_on),
        }
        table = pd.DataFrame(lines, columns=["head", "TextSpan", "singular vectors"])
        return Findings(metrics, heads, columns, {"texts": table})

    def _random(self, judged: Float[Tensor, "n e"], atoms: Float[Tensor, "k e"], count: int, place: int) -> float:
        """Return the mean over draws of what as many random texts explain."""
        random = np.random.default_rng((self._seed, place))
        draws = [torch.from_numpy(random.choice(len(atoms), count, replace=False)) for _ in range(DRAWS)]
        return float(np.mean([explained_variance(judged, atoms[draw]) for draw in draws]))


def concepts_of(codes: Codes, rows: Sequence[int], count: int) -> Int64[Tensor, " m"]:
    """Return the first concepts of some signed directions, then the second ones, and so on: each once.

    Args:
        codes: Of all signed directions.
        rows: Those of a head, large singular values first.
        count: How many concepts, at most.
    """
    ranked = []
    for row in rows:
        start, stop = int(codes.indptr[row]), int(codes.indptr[row + 1])
        order = codes.values[start:stop].argsort(descending=True, stable=True)
        ranked.append(codes.indices[start:stop][order].tolist())
    level = [concept for one in zip_longest(*ranked) for concept in one if concept is not None]
    return torch.tensor(list(dict.fromkeys(level))[:count], dtype=torch.int64)


def components(points: Float[Tensor, "n e"], count: int) -> Float[Tensor, "m e"]:
    """Return the directions of largest variance.

    Args:
        points: Rows, whose mean is taken away.
        count: How many.
    """
    return torch.linalg.svd(points - points.mean(dim=0), full_matrices=False)[2][:count]


def _listed(concepts: Sequence[str], chosen: Int64[Tensor, " m"]) -> str:
    return ", ".join(concepts[place] for place in chosen.tolist())
