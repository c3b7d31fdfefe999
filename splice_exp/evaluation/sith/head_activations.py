"""What heads do on images: the residual stream that is projected, and what each vector adds to the class token.

    on image x, vector j of head h writes    c_hj(x) = ⟨o_h(x), v_j⟩        o_h: what the head adds to the class token

so that Σ_j c_hj v_j is all that the head adds. Large positive values belong to the direction +, negative ones to −.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.backbones.towers import tower_of
from splice_exp.core.errors import SpliceError
from splice_exp.core.measures import Measure, Unit
from splice_exp.data.base import EncodableSource
from splice_exp.decomposition.study import Study
from splice_exp.heads.explain import Explanations, explain, random_directions
from splice_exp.heads.reading import ReadHeads, Reading
from splice_exp.heads.spectra import Spectra
from splice_exp.heads.streams import streams
from splice_exp.heads.weights import head_outputs
from splice_exp.solvers.base import Solver

TOGETHER = 64  # images

NUM_POLES = Measure("sith/num_poles", "signed directions", Unit.COUNT)


def batches(study: Study) -> Iterator[Float[Tensor, "b c h w"]]:
    """Yield all images of a study, preprocessed.

    Raises:
        SpliceError: if there are none.
    """
    data, backbone = study.data, study.backbone
    if not isinstance(data, EncodableSource):
        raise SpliceError("Heads are activated by images, but data are embeddings: take images, as data=scenes.")
    for start in range(0, len(data), TOGETHER):
        yield backbone.preprocess(data.inputs(start, min(start + TOGETHER, len(data)))).to(study.cache.machine.device)


def mean_stream(study: Study) -> Float[Tensor, " d"]:
    """Return the mean class token of all images before the last LayerNorm, at which a Jacobian is taken."""
    tower = tower_of(study.backbone)
    parts = [streams(study.backbone, tower, (), pixels)[1].double().sum(dim=0).cpu() for pixels in batches(study)]
    total: Tensor = torch.stack(parts).sum(dim=0)
    return total / len(study.data)


def stream_of(study: Study, reading: Reading) -> Float[Tensor, " d"] | None:
    """Return the residual stream that a reading needs, if it needs one.

    Args:
        study: The residual stream is a mean over its images.
        reading: Needs one if its projection is `jacobian`.
    """
    return mean_stream(study) if reading.projection == "jacobian" else None


def read_heads(study: Study, reading: Reading, explainer: Solver | None = None) -> ReadHeads:
    """Read heads by dictionary, image mean and machine of a study.

    Args:
        study: Whose backbone.
        reading: Which heads, and how.
        explainer: Finds codes; None: the solver of the study.

    Raises:
        SpliceError: if the backbone has no such heads, or a `jacobian` is asked for without images.
    """
    solver = study.solver if explainer is None else explainer
    stream, device = stream_of(study, reading), study.cache.machine.device
    return reading.read(study.backbone, study.dictionary, solver, study.image_mean, stream, device)


def random_like(study: Study, found: Explanations, seed: int) -> Explanations:
    """Explain as many random directions as these in the same way: the null.

    Args:
        study: Its solver and device.
        found: Whose number, projection, dictionary and mean are taken over.
        seed: Of the directions.

    Returns:
        As many explanations.
    """
    drawn = random_directions(len(found), found.vectors.shape[1], seed)
    device = study.cache.machine.device
    return explain(drawn, found.projection, found.dictionary, study.solver, found.mean, device)


def over_vectors(
    samples: Mapping[str, np.ndarray], names: Sequence[str]
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Return the means of the two signed directions of each vector, and the names of the vectors.

    The two share their images and their singular value: they are not independent samples.

    Args:
        samples: Of signed directions, the two of a vector one after the other.
        names: Of the signed directions.
    """
    means = {name: values.reshape(-1, 2).mean(axis=1) for name, values in samples.items()}
    return means, tuple(name[:-1] for name in names[::2])


def heads_of_vectors(vectors: Sequence[str]) -> tuple[str, ...]:
    """Return the head of each vector by its name: vectors of one head are not independent samples.

    Example:
        >>> heads_of_vectors(["L3.H0.0", "L3.H0.1", "L3.H1.0"])
        ('L3.H0', 'L3.H0', 'L3.H1')
    """
    return tuple(name.rpartition(".")[0] for name in vectors)


def head_writes(study: Study, layers: tuple[int, ...]) -> Float[Tensor, "n L H d"]:
    """Return what each head of some layers adds to the class token of each image, without its mean over d.

    Args:
        study: Its images, and the backbone that looks at them.
        layers: Counted from 0 at the input.
    """
    tower = tower_of(study.backbone)
    blocks = tower.layers(layers)
    parts = []
    for pixels in batches(study):
        tokens, _ = streams(study.backbone, tower, layers, pixels)
        written = [head_outputs(block, stream, 1)[:, 0] for block, stream in zip(blocks, tokens, strict=True)]
        parts.append(torch.stack(written, dim=1).cpu())
    return torch.cat(parts)


def along_vectors(written: Float[Tensor, "n L H d"], spectra: Spectra) -> Float[Tensor, "n L H r"]:
    """Return c: what heads write along each of their singular vectors.

    Args:
        written: By `head_writes`.
        spectra: Of the same layers.
    """
    return torch.einsum("nlhd,lhrd->nlhr", written.double(), spectra.writes)
