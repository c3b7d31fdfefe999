"""Codes as tables of other libraries: of pandas, of Parquet files, of Hugging Face datasets.

A table of codes has one line per active concept of a sample: millions of samples fit, as in `Codes` itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from splice_exp.core.io import atomic

if TYPE_CHECKING:  # these take seconds to import
    import pandas as pd

    from splice_exp.core.codes import Codes

SAMPLE, CONCEPT, CODE = "sample_id", "concept", "code"


def ids_of(codes: Codes, sample_ids: Sequence[str] | None) -> list[Any]:
    """Return a name for each row: those given, or its number.

    Args:
        codes: n rows.
        sample_ids: One for each row; None: rows are numbered from 0.

    Raises:
        ValueError: if there are not as many names as rows.
    """
    if sample_ids is None:
        return list(range(len(codes)))
    if len(sample_ids) != len(codes):
        raise ValueError(f"{len(sample_ids)} sample ids for {len(codes)} rows")
    return list(sample_ids)


def names_of(codes: Codes) -> list[str]:
    """Return the names of the concepts; their numbers, while nobody has named them."""
    return list(codes.concepts) or [str(index) for index in range(codes.num_concepts)]


def long_frame(codes: Codes, sample_ids: Sequence[str] | None = None) -> pd.DataFrame:
    """Return one line per active concept: `sample_id`, `concept` (categorical), `code`.

    Args:
        codes: n rows.
        sample_ids: One for each row; by default their numbers.
    """
    import pandas as pd

    names = pd.Index(ids_of(codes, sample_ids))
    concepts = pd.Categorical.from_codes(codes.indices.numpy(), categories=pd.Index(names_of(codes)))
    return pd.DataFrame({SAMPLE: names.take(codes.rows.numpy()), CONCEPT: concepts, CODE: codes.values.numpy()})


def wide_frame(codes: Codes, concepts: Sequence[str], sample_ids: Sequence[str] | None = None) -> pd.DataFrame:
    """Return one line per sample, with a column for each of some concepts; 0 where one is not active.

    Args:
        codes: n rows, with names for their concepts.
        concepts: Columns of the result, in their order.
        sample_ids: One for each row; by default their numbers.

    Raises:
        SpliceError: if a concept is none of the codes.
    """
    import pandas as pd

    columns = {concept: codes[concept].numpy() for concept in concepts}
    return pd.DataFrame(columns, index=pd.Index(ids_of(codes, sample_ids), name=SAMPLE))


def write_parquet(codes: Codes, path: Path, sample_ids: Sequence[str] | None = None) -> None:
    """Write one line per active concept, names as dictionaries, atomically.

    Args:
        codes: n rows.
        path: Replaced where it is there; its folder is made.
        sample_ids: One for each row; by default their numbers.
    """
    import pyarrow as pa
    from pyarrow import parquet

    names = pa.DictionaryArray.from_arrays(pa.array(codes.rows.numpy()), pa.array(ids_of(codes, sample_ids)))
    concepts = pa.DictionaryArray.from_arrays(pa.array(codes.indices.numpy()), pa.array(names_of(codes)))
    table = pa.table({SAMPLE: names, CONCEPT: concepts, CODE: pa.array(codes.values.numpy())})
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as temporary:
        parquet.write_table(table, temporary)


def as_dataset(codes: Codes, sample_ids: Sequence[str] | None = None) -> Any:
    """Return a `datasets.Dataset` with one row per sample: `sample_id`, lists of `concepts` and of `codes`.

    Args:
        codes: n rows.
        sample_ids: One for each row; by default their numbers.
    """
    import pyarrow as pa
    from datasets import Dataset

    concepts = pa.DictionaryArray.from_arrays(pa.array(codes.indices.numpy()), pa.array(names_of(codes)))
    starts = pa.array(codes.indptr.numpy())
    columns = {
        SAMPLE: pa.array(ids_of(codes, sample_ids)),
        "concepts": pa.LargeListArray.from_arrays(starts, concepts.dictionary_decode()),
        "codes": pa.LargeListArray.from_arrays(starts, pa.array(codes.values.numpy())),
    }
    return Dataset(pa.table(columns))
