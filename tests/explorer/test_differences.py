"""What tells two images apart."""

import pytest

from splice_exp.explorer.differences import compare
from tests.explorer.models import explorer


def test_differences_are_those_of_the_codes():
    model = explorer()
    first, second = model.sample(0), model.sample(1)
    codes = [model.decompose(one, 0.2) for one in (first, second)]
    found = compare(first, second, *codes)
    values = [dict(one.top(10**6)[0]) for one in codes]
    for one in found.differences:
        assert one.first == values[0].get(one.concept, 0.0)
        assert one.second == values[1].get(one.concept, 0.0)
    sizes = [abs(one.change) for one in found.differences]
    assert sizes == sorted(sizes, reverse=True)
    names = {**values[0], **values[1]}
    assert max(sizes) == max(abs(values[1].get(name, 0) - values[0].get(name, 0)) for name in names)


def test_an_image_does_not_differ_from_itself():
    model = explorer()
    seen = model.sample(4)
    found = compare(seen, seen, model.decompose(seen, 0.2), model.decompose(seen, 0.2))
    assert {one.change for one in found.differences} == {0.0}
    assert found.cosine == pytest.approx(1, abs=1e-5)
    assert found.shared == found.cosine_of_codes == pytest.approx(1)
