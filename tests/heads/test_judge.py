"""A judge behind a local server that speaks the chat interface: asked once, read leniently, kept; errors are named."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch

from splice_exp.core.errors import SpliceError
from splice_exp.data.scenes.world import SCENES as WORLD
from splice_exp.evaluation.sith.judged import SithJudged
from splice_exp.heads.decisions import Decisions
from splice_exp.heads.judge import EndpointJudge, Judge, read_prompt
from splice_exp.heads.reading import Reading
from splice_exp.heads.rules import Levels
from splice_exp.heads.selectors import ByJudge
from splice_exp.heads.verdicts import Verdict, agreement, parse_verdict
from tests.evaluation.studies import study_of

SCENES = {word for name, others in WORLD.items() for word in (name, *others)}

pytestmark = pytest.mark.enable_socket


@contextmanager
def served(answer):
    """Serve replies of `answer(prompt, number)`, a text or a status code, and yield the address and all requests."""
    requests, lock = [], threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                requests.append({"path": self.path, "key": self.headers["Authorization"], **body})
                number = len(requests)
            reply = answer(body["messages"][0]["content"], number)
            status, content = (reply, {"error": {"message": "no"}}) if isinstance(reply, int) else (200, _chat(reply))
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", requests
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _chat(text):
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}


def judge_of(url, path, **options):
    return EndpointJudge(str(path), model="m", url=url, key=None, retries=0, timeout=20.0, **options)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("Theme: cats\nScore: 5", Verdict("cats", 5)),
        ("theme - red things\n\n\n  score = 4/5.", Verdict("red things", 4)),
        ("- **Theme:** *sea, and sand*\n- **Score:** **3** out of 5", Verdict("sea, and sand", 3)),
        ("Thinking …\nTheme: none\nCoherence score: 1", Verdict("", 1)),
        ("Score: 2", Verdict("", 2)),
        ("Theme:\nScore: 2", Verdict("", 2)),
        ("Theme: colours\nScore: 3 (vague)", Verdict("colours", 3)),
        ("Theme: colours\nScore: 4 - mostly colours", Verdict("colours", 4)),
        ("Theme: colours (warm)\nCoherence Score (1-5): 4", Verdict("colours (warm)", 4)),
        ('{"theme": "colours", "score": 4}', Verdict("colours", 4)),
        ("Theme: cats, Score: 5", Verdict("cats", 5)),
        ("1. Theme: cats\n2. Score: 5", Verdict("cats", 5)),
        ("The score is 3.", Verdict("", 3)),
        ("Score of 4", Verdict("", 4)),
        ("**Theme**\n\n**Score**\n\n4", Verdict("", 4)),
        ("Theme: high score games\nScore: 4", Verdict("high score games", 4)),
        ("Score: -3", None),
        ("Theme: cats\nScore: 7", None),
        ("Theme: cats\nScore: 2.5", None),
        ("Score: 2\nScore: 4", None),
        ("The score is five.", None),
        ("", None),
    ],
)
def test_replies_are_read_however_they_are_laid_out(reply, expected):
    assert parse_verdict(reply) == expected


def test_agreement_is_over_pairs_of_repeats():
    found = agreement([[5, 5, 4], [1, 3], [2]])
    assert found["same"] == pytest.approx(1 / 4)
    assert found["within_one"] == pytest.approx(3 / 4)
    assert agreement([[1, 1], [5, 5]])["kappa"] == pytest.approx(1)
    assert agreement([[1, 5], [5, 1]])["kappa"] == pytest.approx(-1)
    assert agreement([[1], [2]])["same"] != agreement([[1], [2]])["same"]  # not known


def test_what_was_answered_is_asked_once_and_survives_a_torn_line(tmp_path, caplog):
    path = tmp_path / "decisions.jsonl"
    with served(lambda prompt, number: f"Theme: {prompt}\nScore: {1 + number % 5}") as (url, requests):
        judge = judge_of(url, path, repeats=2, options={"temperature": 0.5})
        found = judge.verdicts(["a", "b", "a"])
        assert found[0] == found[2]
        assert [verdict.theme for verdict in found[1]] == ["b", "b"]
        assert len(requests) == 4  # two prompts, twice
        assert all(request["temperature"] == 0.5 and request["model"] == "m" for request in requests)
        assert {request["path"] for request in requests} == {"/v1/chat/completions"}
        assert judge_of(url, path, repeats=2, options={"temperature": 0.5}).verdicts(["b", "a"]) == [found[1], found[0]]
        assert len(requests) == 4
        judge_of(url, path).verdicts(["a"])  # another judge: other options
        assert len(requests) == 5
        with path.open("a") as file:
            file.write('{"key": "cut')
        assert len(judge.verdicts(["a", "c"])) == 2
        assert len(requests) == 7
    assert sum(line.endswith("}") for line in path.read_text().splitlines()) == 7
    assert judge.verdicts(["c", "b"])[1] == found[1]  # without the server
    assert "line 11 was cut off" in caplog.text
    path.write_text('{"other": 1}\n')
    with pytest.raises(SpliceError, match="line 1, is no reply of a judge"):
        Decisions(path)


def test_failures_are_told_and_what_came_is_kept(tmp_path, monkeypatch):
    path = tmp_path / "decisions.jsonl"
    with served(lambda prompt, number: 500 if prompt == "bad" else "Score: 3") as (url, requests):
        judge = judge_of(url, path, parallel=1)
        with pytest.raises(SpliceError, match="gives no answer from 'm' .*Its replies so far are stored in"):
            judge.verdicts(["good", "bad", "never"])
        assert "Score: 3" in path.read_text()
        before = len(requests)
        assert judge.verdicts(["good"]) == [(Verdict("", 3),)]
        assert len(requests) == before
        patient = EndpointJudge(str(path), model="m", url=url, key=None, retries=1, timeout=20.0)
        with pytest.raises(SpliceError, match="gives no answer"):
            patient.verdicts(["bad"])
        assert sum(request["messages"][0]["content"] == "bad" for request in requests) == 3  # once, and twice
        monkeypatch.setenv("SOME_KEY", "secret")
        EndpointJudge(str(path), model="k", url=url, key="SOME_KEY", retries=0).verdicts(["good"])
        assert requests[-1]["key"] == "Bearer secret"
    assert "secret" not in path.read_text()
    with pytest.raises(SpliceError, match="gives no answer"):
        judge.verdicts(["nobody listens"])
    monkeypatch.delenv("SOME_KEY")
    with pytest.raises(SpliceError, match="^key names the environment variable SOME_KEY, which is not set"):
        EndpointJudge(str(path), model="x", url=url, key="SOME_KEY").verdicts(["good"])
    for options, match in (
        ({"repeats": 0}, "^repeats is 0"),
        ({"parallel": 0}, "^parallel is 0"),
        ({"timeout": 0.0}, "^timeout is 0"),
    ):
        with pytest.raises(SpliceError, match=match):
            EndpointJudge(str(path), **options)


def test_prompts_show_what_is_active():
    prompt = read_prompt("topic", [("red star", 0.5), ("grass", 0.25), ("nothing", 0.0)], topic="the sea")
    assert prompt.endswith("- 0.50 red star\n- 0.25 grass\n")
    assert "Topic: the sea" in prompt
    assert "- 0.50 red star" in read_prompt("coherence", [("red star", 0.5)])
    with pytest.raises(SpliceError, match="There is no prompt 'beauty': there are coherence, topic"):
        read_prompt("beauty", [])


def about_scenes(prompt, number):
    """Score a list by how many of its concepts are scenes; lists of equal kinds are coherent."""
    concepts = [line[7:] for line in prompt.split("The list\n")[1].splitlines()]
    share = sum(concept in SCENES for concept in concepts) / len(concepts)
    score = round(1 + 4 * share) if "Topic:" in prompt else round(1 + 4 * max(share, 1 - share))
    return f"Theme: scenes\nScore: {score}"


@pytest.fixture(scope="module")
def study():
    return study_of("data=scenes", "data.num_samples=20", "solver=comp")


def test_vectors_are_selected_by_a_judge(study, tmp_path):
    reading = Reading((-1,), vectors=4)
    spectra = reading.spectra(study.backbone)
    projection = reading.projected(study.backbone, None)
    found, poles = reading.explain(spectra, projection, study.dictionary, study.solver, study.image_mean)
    names = [pole[:-1] for pole in poles[::2]]
    with served(about_scenes) as (url, requests):
        scores = ByJudge(judge_of(url, tmp_path / "d.jsonl"), "outdoor scenes").scores(found, names)
        assert len(requests) <= len(found)
    expected = [
        max(round(1 + 4 * sum(word in SCENES for word, _ in concepts) / len(concepts)) for concepts in pair)
        for pair in zip(found.top(5)[::2], found.top(5)[1::2], strict=True)
    ]
    assert scores.tolist() == expected
    with (
        served(lambda prompt, number: "I cannot say.") as (url, _),
        pytest.raises(SpliceError, match=r"gives no score for the direction \+ of L4.H0.0: raise judge.repeats"),
    ):
        ByJudge(judge_of(url, tmp_path / "e.jsonl"), "scenes").scores(found, names)
    with pytest.raises(SpliceError, match="^topic is empty"):
        ByJudge(judge_of(url, tmp_path / "e.jsonl"), " ")
    factors = Levels([3, 4, 5], [-1.0, 0.0, 0.0]).factors(torch.tensor([1.0, 2.4, 2.5, 3.0, 4.0, 5.0]))
    assert factors.tolist() == [1, 1, -1, -1, 0, 0]
    with pytest.raises(SpliceError, match="each level needs one factor"):
        Levels([3, 4], [0.0])


def test_judged_coherence_stands_beside_lists_dealt_by_chance(study, tmp_path):
    def answer(prompt, number):
        return "no idea" if number % 10 == 0 else about_scenes(prompt, number)

    with served(answer) as (url, _):
        judge = judge_of(url, tmp_path / "d.jsonl", repeats=2, parallel=1)
        found = SithJudged(Reading((0, 1), vectors=6), judge, bootstrap_resamples=20).evaluate(study)
    metrics = found.metrics
    assert metrics["judge/score"] > metrics["judge/score_null"] + 0.1
    assert metrics["judge/readable"] == pytest.approx(0.9, abs=0.01)
    assert metrics["judge/same"] == metrics["judge/kappa"] == 1
    assert -1 <= metrics["judge/to_coherence"] <= 1
    assert set(found.tables["themes"]["theme"]) == {"scenes"}
    assert 2 * len(found.sample_ids) == metrics["sith/num_poles"] == 2 * 6 * 4 * 2
    with (
        served(lambda prompt, number: "?") as (url, _),
        pytest.raises(SpliceError, match="could be read"),
    ):
        SithJudged(Reading((3,), vectors=1), judge_of(url, tmp_path / "e.jsonl")).evaluate(study)


class Silent(Judge):
    name = "silent"

    def reply(self, prompt):
        raise SpliceError("silent")


def test_a_judge_of_ones_own_needs_a_name_and_a_reply(tmp_path):
    with pytest.raises(SpliceError, match="silent"):
        Silent(str(tmp_path / "d.jsonl")).verdicts(["a"])


@pytest.mark.parametrize("form", ["sk-a/b+c=", "sk-a%2Fb%2Bc%3D", "c2stYS9iK2M9"])
def test_no_form_of_the_key_comes_back(monkeypatch, form, tmp_path):
    """An endpoint may echo the request, in an error or in a reply."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-a/b+c=")
    judge = EndpointJudge(str(tmp_path / "replies.jsonl"))
    assert form not in judge._without_key(f"401 Authorization: Bearer {form}, theme: {form}")
    assert judge._without_key("Score: 5") == "Score: 5"


def test_a_hostile_reply_is_read_in_no_time():
    for words in ("theme " * 200_000, "score is " * 200_000, "**" * 500_000, "1 to " * 200_000):
        assert parse_verdict(words) is None
    assert parse_verdict("because " * 50_000 + "\nTheme: red things\nScore: 4") == Verdict("red things", 4)
