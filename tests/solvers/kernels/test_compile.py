"""Machine code of earlier processes is used until any kernel changes, not only the one that was compiled."""

from splice_exp.solvers.kernels import compile as compiling
from splice_exp.solvers.kernels.active_set import advance


def test_the_stamp_of_compiled_code_is_that_of_all_kernels(monkeypatch):
    function = advance.py_func
    assert advance._cache._cache_file._source_stamp == compiling.sources()
    monkeypatch.setattr(compiling, "sources", lambda: "another kernel has changed")
    assert compiling.KernelCache(function)._cache_file._source_stamp == "another kernel has changed"


def test_every_kernel_counts(monkeypatch, tmp_path):
    before = compiling.sources()
    for name in ("looks", "restricted"):
        (tmp_path / f"{name}.py").write_text("# changed")
    monkeypatch.setattr(compiling, "__file__", str(tmp_path / "compile.py"))
    compiling.sources.cache_clear()
    try:
        assert compiling.sources() != before
    finally:
        compiling.sources.cache_clear()
