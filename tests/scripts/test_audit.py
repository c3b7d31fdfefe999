"""The audit of dependencies names weaknesses, and says where it could not ask."""

import json

import pytest

from scripts import audit

WEAK = {"name": "pillow", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.0"]}]}
SOUND = {"name": "numpy", "version": "2.0", "vulns": []}
UNKNOWN = {"name": "torch", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([WEAK, SOUND, UNKNOWN], 1, "pillow 1.0: PYSEC-1, fixed in 2.0\n"),
        ([SOUND, UNKNOWN], 0, "no weakness is known of what constraints.txt names\n"),
        ([UNKNOWN], 0, "audit of constraints.txt skipped: the service of advisories knows none of the packages\n"),
        (None, 0, "audit of constraints.txt skipped: the service of advisories cannot be reached\n"),
    ],
)
def test_what_is_known_decides(monkeypatch, capsys, packages, code, said):
    answer = "" if packages is None else json.dumps({"dependencies": packages})
    monkeypatch.setattr(audit, "ask", lambda constraints: answer)
    assert audit.main(audit.ROOT / "constraints.txt") == code
    assert capsys.readouterr().out == said


def test_the_checks_ask():
    assert "make audit\n" in (audit.ROOT / ".ci" / "run").read_text()
