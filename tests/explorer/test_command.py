"""`python -m splice_exp explore`: options that cannot be meant are refused before anything is loaded."""

import sys

import pytest

from splice_exp.commands import explore, run_command
from splice_exp.core.errors import SpliceError


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "70000"], "--port is 70000, but must be one of 0 to 65535"),
        (["--max-upload", "0"], "--max-upload is 0, but must be 1 or more"),
        (["--allow", "nowhere"], "--allow is 'nowhere', but there is no such folder."),
    ],
)
def test_options_are_refused(arguments, message):
    with pytest.raises(SystemExit) as stop:
        run_command("explore", arguments)
    assert message in str(stop.value)


def test_without_gradio_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(explore, "find_spec", lambda name: None)
    with pytest.raises(SystemExit) as stop:
        run_command("explore", [])
    assert str(stop.value) == (
        'error: explore needs Gradio, which is not installed here: pip install "splice-exp[explorer]".'
    )


def test_a_port_that_is_taken_is_a_sentence(monkeypatch):
    monkeypatch.setattr("splice_exp.explorer.model.load", lambda overrides: None)

    def taken(*arguments, **options):
        raise OSError

    monkeypatch.setattr("splice_exp.explorer.page.launch.launch", taken)
    with pytest.raises(SpliceError, match="--port is 7860, which is taken"):
        explore.explore([], 7860, [], 20)


def test_the_page_is_not_imported_for_its_help(capsys):
    before = "splice_exp.explorer.page.app" in sys.modules
    with pytest.raises(SystemExit):
        run_command("explore", ["--help"])
    assert "--max-upload MB" in capsys.readouterr().out
    assert ("splice_exp.explorer.page.app" in sys.modules) == before


def test_overrides_stand_before_between_and_after_options(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(explore, "find_spec", lambda name: name)
    monkeypatch.setattr(explore, "explore", lambda *arguments: asked.append(arguments))
    explore.main(["data=a", "--port", "0", "data.b=1", "--allow", str(tmp_path), "--allow", ".", "solver=c"])
    (chosen,) = asked
    assert chosen[:2] == (["data=a", "data.b=1", "solver=c"], 0)
    assert [path.resolve() for path in chosen[2]] == [tmp_path.resolve(), type(tmp_path)().resolve()]
    assert chosen[3] == 20
