"""The pages in a real browser: nothing is fetched, nothing fails, all reports are there, on a desk and on a phone."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

RESULTS = Path(__file__).parents[2] / "results"
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr", "--v=0")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="no chromium here")]


def browse(tmp_path, page, *options):
    """Open a page without a network; return what the browser printed and complained of."""
    own = [f"--user-data-dir={tmp_path / 'profile'}", "--host-resolver-rules=MAP * ~NOTFOUND"]
    line = [BROWSER, *OPTIONS, *own, *options, page.as_uri()]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, [message for message in done.stderr.splitlines() if "CONSOLE" in message]


def test_the_index_opens_without_an_error_and_shows_all_reports(tmp_path):
    dom, complaints = browse(tmp_path, RESULTS / "index.html", "--dump-dom")
    assert complaints == []
    shown = set(re.findall(r'href="pages/([^"]+)\.html"', dom))
    assert shown == {path.stem for path in (RESULTS / "tables").glob("*.json")}
    assert len(re.findall(r"<tr>", dom)) > 30  # claims and published numbers


@pytest.mark.parametrize("size", ["1280,1600", "390,844"])
def test_a_page_fits_a_desk_and_a_phone(tmp_path, size):
    picture = tmp_path / "page.png"
    page = RESULTS / "pages" / "intervention_spurious.html"
    _, complaints = browse(tmp_path, page, f"--window-size={size}", f"--screenshot={picture}")
    assert complaints == []
    with Image.open(picture) as shown:
        assert shown.width == int(size.split(",")[0])
        assert len(set(shown.convert("L").resize((64, 64)).tobytes())) > 20  # not an empty page
    dom, _ = browse(tmp_path, page, f"--window-size={size}", "--dump-dom")
    assert "data:image" in dom
