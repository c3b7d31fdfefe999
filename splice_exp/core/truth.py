"""What is really in each sample: the ground truth against which recovered concepts are judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from splice_exp.core.names import canonical


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """Which concepts are true of each sample, and which words name them.

    Attributes:
        concept_of: Every word of the benchmark → the concept it names; synonyms name the same one. A word with several
            meanings is a concept of its own, without a kind: true where one of its meanings is.
        kind_of: Concept → its kind (shape, colour, …).
        objects: For each sample, the concepts of each of its objects.
        contexts: For each sample, the concepts that are true of all of it.
        main_kinds: Kinds that a short caption would name; the others are details.
        held_out: Concepts that the vocabulary of the benchmark has no name for: no code can be expected to name them.
    """

    concept_of: Mapping[str, str]
    kind_of: Mapping[str, str]
    objects: tuple[tuple[frozenset[str], ...], ...]
    contexts: tuple[frozenset[str], ...]
    main_kinds: tuple[str, ...] = ()
    held_out: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if len(self.objects) != len(self.contexts):
            raise ValueError(f"objects of {len(self.objects)} samples, but contexts of {len(self.contexts)}")

    def __len__(self) -> int:
        return len(self.objects)

    @property
    def kinds(self) -> tuple[str, ...]:
        """All kinds that the vocabulary of the benchmark has names for, in the order of the benchmark."""
        return tuple(dict.fromkeys(kind for concept, kind in self.kind_of.items() if concept not in self.held_out))

    @cached_property
    def known(self) -> frozenset[str]:
        """Everything that a word of the benchmark stands for."""
        return frozenset(self.kind_of).union(self.concept_of.values())

    def concepts(self, sample: int) -> frozenset[str]:
        """Return everything that is true of a sample."""
        return self.contexts[sample].union(*self.objects[sample])

    def nameable(self, sample: int) -> frozenset[str]:
        """Return what is true of a sample and has a name in the vocabulary: what a code should recover."""
        return frozenset(
            concept for concept in self.concepts(sample) if concept in self.kind_of and concept not in self.held_out
        )

    def holds(self, concepts: frozenset[str], sample: int) -> bool:
        """Say whether concepts are true together: of one object, or of all of the sample.

        Args:
            concepts: By their names in `kind_of`.
            sample: Index of the sample.
        """
        return any(concepts <= one | self.contexts[sample] for one in (*self.objects[sample], frozenset()))

    def named(self, name: str) -> frozenset[str]:
        """Return the concepts that a name is made of, the longest first; words that stand for nothing name themselves.

        Example:
            >>> truth = GroundTruth({"red": "red", "crimson": "red", "polar bear": "polar bear"}, {}, (), ())
            >>> sorted(truth.named("Crimson polar bear")), sorted(truth.named("guitar"))
            (['polar bear', 'red'], ['guitar'])
        """
        words = canonical(name).split()
        found: set[str] = set()
        start = 0
        while start < len(words):
            ends = range(len(words), start, -1)
            end = next((end for end in ends if " ".join(words[start:end]) in self.concept_of), start + 1)
            phrase = " ".join(words[start:end])
            found.add(self.concept_of.get(phrase, phrase))
            start = end
        return frozenset(found)

    def select(self, samples: Sequence[int]) -> GroundTruth:
        """Return the truth of some samples, in the order given."""
        return replace(
            self,
            objects=tuple(self.objects[sample] for sample in samples),
            contexts=tuple(self.contexts[sample] for sample in samples),
        )
