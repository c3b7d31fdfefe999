"""Judges of lists of concepts: a language model behind any endpoint that speaks the chat interface of OpenAI.

Prompts are files (`assets/prompts`); replies are kept (`decisions`), read leniently (`verdicts`), and asked for several
times, so that one can say how far a judge agrees with itself.

References:
    Gentile et al. From weights to concepts: data-free interpretability of CLIP via singular vector decomposition.
    CVPR 2026 (SITH), sections 4.1 and 5 (a language model as judge; the prompts here are our own).
"""

from __future__ import annotations

import base64
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from splice_exp.core.assets import ASSETS
from splice_exp.core.errors import SpliceError, require_integer, shown
from splice_exp.core.keys import key_of
from splice_exp.heads.decisions import Decisions
from splice_exp.heads.verdicts import Verdict, parse_verdict

PROMPTS = ASSETS / "prompts"
LONGEST_ERROR = 500  # characters of what an endpoint says


@dataclass(frozen=True)
class Judge(ABC):
    """Answers prompts about lists of concepts.

    Args:
        cache: File of replies; what is in it is not asked again.
        repeats: Times that each prompt is asked.
        parallel: Prompts asked at a time.
    """

    cache: str
    repeats: int = 1
    parallel: int = 8

    def __post_init__(self) -> None:
        require_integer("repeats", self.repeats, 1)
        require_integer("parallel", self.parallel, 1)

    @property
    @abstractmethod
    def name(self) -> str:
        """Who judges, with all that decides the replies."""

    @abstractmethod
    def reply(self, prompt: str) -> str:
        """Ask.

        Returns:
            The answer as it is given; `heads.verdicts` reads it.

        Raises:
            SpliceError: if there is no answer.
        """

    def verdicts(self, prompts: Sequence[str]) -> list[tuple[Verdict | None, ...]]:
        """Return the verdicts on each prompt, one a repeat; None where a reply could not be read.

        Raises:
            SpliceError: if there is no answer; those that came are kept.
        """
        kept = Decisions(Path(self.cache).expanduser())

        def ask(work: tuple[str, int]) -> Verdict | None:
            prompt, repeat = work
            reply = kept.get(self.name, prompt, repeat)
            if reply is None:
                reply = self.reply(prompt)
                kept.put(self.name, prompt, repeat, reply)
            return parse_verdict(reply)

        # Equal prompts are asked once: as many threads would ask for them at the same time.
        distinct = list(dict.fromkeys(prompts))
        with ThreadPoolExecutor(self.parallel) as threads:
            asked = [[threads.submit(ask, (prompt, repeat)) for repeat in range(self.repeats)] for prompt in distinct]
            try:
                found = {
                    prompt: tuple(answer.result() for answer in answers)
                    for prompt, answers in zip(distinct, asked, strict=True)
                }
            except BaseException:
                threads.shutdown(cancel_futures=True)
                raise
        return [found[prompt] for prompt in prompts]


@dataclass(frozen=True)
class EndpointJudge(Judge):
    """A model behind an endpoint that speaks the chat interface of OpenAI: a service, or your own server.

    Args:
        model: Its name there.
        url: Of the endpoint, up to `/v1`.
        key: Environment variable that holds the key; None: the endpoint asks for none.
        options: More of the request: `temperature`, `reasoning_effort`, ….
        timeout: Seconds until an answer must be there.
        retries: After failures of the connection, and when the endpoint asks to wait.
    """

    model: str = "gpt-5-mini"
    url: str = "https://api.openai.com/v1"
    key: str | None = "OPENAI_API_KEY"
    options: Mapping[str, Any] = field(default_factory=dict)
    timeout: float = 120.0
    retries: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("retries", self.retries, 0)
        if not self.timeout > 0:
            raise SpliceError(f"{key_of('timeout')} is {self.timeout}, but must be positive.")

    @property
    def name(self) -> str:
        return f"{self.model} {json.dumps(dict(self.options), sort_keys=True)}"

    def reply(self, prompt: str) -> str:
        client = self._client
        from openai import OpenAIError

        try:
            answer = client.chat.completions.create(
                model=self.model, messages=[{"role": "user", "content": prompt}], **self.options
            )
            content = answer.choices[0].message.content
        except (OpenAIError, AttributeError, IndexError, TypeError, ValueError) as error:
            said = self._without_key(str(error))[:LONGEST_ERROR]
            raise SpliceError(
                f"{key_of('url', self)} {self.url} gives no answer from {self.model!r} ({type(error).__name__}: "
                f"{said}). Its replies so far are stored in {key_of('cache', self)}: run again to continue."
            ) from None  # an endpoint may have echoed the request, key and all
        return self._without_key(content or "")

    def _without_key(self, text: str) -> str:
        """Strip the key from what an endpoint says, as it is and as addresses and headers encode it."""
        key = self.key and os.environ.get(self.key)
        if not key:
            return text
        encoded = (key, quote(key, safe=""), json.dumps(key)[1:-1], base64.b64encode(key.encode()).decode().rstrip("="))
        for form in sorted(encoded, key=len, reverse=True):
            text = text.replace(form, "[key]")
        return text

    @cached_property
    def _client(self) -> Any:
        try:
            from openai import OpenAI
        except ImportError as error:
            raise SpliceError(
                "A judge is asked by the package openai, which is not installed: pip install 'splice-exp[judge]'."
            ) from error
        key = "none" if self.key is None else os.environ.get(self.key)
        if not key:
            raise SpliceError(
                f"{key_of('key', self)} names the environment variable {self.key}, which is not set: set it, or "
                f"{key_of('key', self)}=null for "
                "an endpoint that asks for none."
            )
        return OpenAI(api_key=key, base_url=self.url, timeout=self.timeout, max_retries=self.retries)


def read_prompt(name: str, concepts: Sequence[tuple[str, float]], **values: str) -> str:
    """Fill a prompt in.

    Args:
        name: Of a file of `assets/prompts`, without suffix.
        concepts: With their codes, the largest first; those of zero are left out.
        values: What else the prompt speaks of.

    Returns:
        The prompt, with concepts and values filled in.

    Raises:
        SpliceError: if there is no such prompt, or it speaks of something else.
    """
    path = PROMPTS / f"{name}.txt"
    if not path.is_file():
        known = sorted(file.stem for file in PROMPTS.glob("*.txt"))
        raise SpliceError(f"There is no prompt {name!r}: there are {shown(known)}.")
    listed = "\n".join(f"- {value:.2f} {concept}" for concept, value in concepts if value > 0)
    return path.read_text(encoding="utf-8").format(concepts=listed, **values)
