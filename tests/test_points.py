"""Points are labelled by what tells them apart, and values of swept components are set in the rows."""

import pytest

from splice_exp.points import Point, as_given, labels, one_of, set_by_row


def test_swept_values_of_the_same_short_name_keep_their_long_one():
    points = [Point((), {"data.path": value, "variant": f"dictionary/{value[0]}"}) for value in ("a/E.npy", "b/E.npy")]
    assert labels(points) == [*({"data.path": "a/E.npy", "variant": "a"}, {"data.path": "b/E.npy", "variant": "b"})]


@pytest.mark.parametrize(
    ("words", "also", "expected"),
    [
        (["solver=omp,path", "solver.target_l0=6"], [], ["solver=omp,path", "solver.target_l0=choice(6)"]),
        (["solver=omp,path", "solver.l1_penalty=1,2"], [], ["solver=omp,path", "solver.l1_penalty=1,2"]),
        (
            ["corpus@evaluation.foil=texts,concepts", "evaluation.foil.texts=['a, b']"],
            [],
            [..., "evaluation.foil.texts=choice(['a, b'])"],
        ),
        (["solver=path", "solver.target_l0=6", "decompose"], [], [..., ..., ...]),
        (["solver=omp,path", "solver.target_l0=6", "--cfg", "job"], [], [..., ..., ..., ...]),
        (["solver.tol=7", "seed=1", "hydra.verbose=true"], ["variant"], ["solver.tol=choice(7)", ..., ...]),
        (["seed=1", "solver.tol=[", "--multirun", "solver=omp,path"], [], [..., ..., ..., ...]),
    ],
)
def test_values_of_swept_components_are_set_in_the_rows(words, also, expected):
    made = set_by_row(words, also)
    assert made[len(words) :] == (["--multirun"] if also else [])
    made = made[: len(words)]
    assert made == [word if wanted is ... else wanted for word, wanted in zip(words, expected, strict=True)]
    assert [as_given(word) for word in made] == words
    assert one_of("solver=omp,path") == "solver=omp"
    assert one_of("solver.target_l0=6") == "solver.target_l0=6"
