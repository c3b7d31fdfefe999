"""What images become without a part of what heads add to the class token, while later layers still see all of it.

    z' = z − own + mean of own      own = Σ of what whole heads add                                (TextSpan)
    z' = z − own                    own = Σ (1 − m_j) (a_h · v_j) v_j,  a_h = what head h adds     (vectors)

An edit of weights changes what the layers after it are given, too. The difference between the two is what these make of
it.

References:
    Gandelsman, Efros, Steinhardt. Interpreting CLIP's image representation via text-based decomposition. ICLR 2024
    (direct effects; heads are ablated to their mean over images).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from splice_exp.backbones.towers import tower_of
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.sith.head_activations import along_vectors, batches, head_writes
from splice_exp.heads.spectra import Spectra
from splice_exp.heads.streams import streams
from splice_exp.heads.weights import head_weights


class DirectEffects:
    """What the heads of some layers add to the class token of each image.

    Args:
        study: Of the images.
        spectra: Of the heads.
    """

    @torch.no_grad()
    def __init__(self, study: Study, spectra: Spectra) -> None:
        self._study, self._spectra, self._tower = study, spectra, tower_of(study.backbone)
        self._written = head_writes(study, spectra.layers)
        ends = [streams(study.backbone, self._tower, (), pixels)[1].cpu() for pixels in batches(study)]
        self._last = torch.cat(ends)

    def without_heads(self, heads: Sequence[tuple[int, int]]) -> Float[Tensor, "n e"]:
        """Return the embeddings, but what some heads add is its mean over all images.

        Args:
            heads: The place of their layer among those of the spectra, and their number.
        """
        own = torch.zeros_like(self._last)
        for layer, head in heads:
            own += self._written[:, layer, head]
        return self._without(own - own.mean(dim=0))

    def without_vectors(self, factors: Float[Tensor, "L H r"], constants: str = "edited") -> Float[Tensor, "n e"]:
        """Return the embeddings, but what heads add along their vectors is scaled.

        Args:
            factors: m; 0 takes a vector away.
            constants: Whether what heads write whatever they read is `edited`, too, or `kept`.
        """
        written = self._written.double()
        if constants == "kept":
            blocks = self._tower.layers(self._spectra.layers)
            whatever = torch.stack([head_weights(block).constants for block in blocks]).to(written)
            written = written - (whatever - whatever.mean(dim=2, keepdim=True))
        along = along_vectors(written, self._spectra) * (1 - factors.double())
        return self._without(torch.einsum("nlhr,lhrd->nd", along, self._spectra.writes).to(self._last))

    @torch.no_grad()
    def _without(self, own: Float[Tensor, "n d"]) -> Float[Tensor, "n e"]:
        norm, projection = self._tower.norm, self._tower.projection
        left = (self._last - own).to(norm.weight)
        return normalize(norm(left) @ projection, dim=1).cpu()[self._study.places]
