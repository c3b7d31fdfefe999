"""The pages in a real browser: nothing is fetched, nothing fails, all reports are there, on a desk and on a phone."""

import re
import shutil
import subprocess

import pytest
from PIL import Image

from splice_exp.report.summary import read_summaries
from tests.report.test_pages import results  # noqa: F401  a fixture
from tests.report.test_reports import records  # noqa: F401  a fixture

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr", "--v=0")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="no chromium here")]


def browse(tmp_path, page, *options):
    """Open a page without a network; return what the browser printed and complained of."""
    own = [f"--user-data-dir={tmp_path / 'profile'}", "--host-resolver-rules=MAP * ~NOTFOUND"]
    line = [BROWSER, *OPTIONS, *own, *options, page.as_uri()]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, [message for message in done.stderr.splitlines() if "CONSOLE" in message]


def test_the_index_opens_without_an_error_and_shows_all_reports(tmp_path, results):  # noqa: F811
    dom, complaints = browse(tmp_path, results / "index.html", "--dump-dom")
    assert complaints == []
    shown = set(re.findall(r'href="pages/([^"]+)\.html"', dom))
    assert shown == {report["name"] for report in read_summaries(results)}
    assert len(re.findall(r"<tr>", dom)) > 30  # claims and published numbers


@pytest.mark.parametrize("size", ["1280,1600", "390,844"])
def test_a_page_fits_a_desk_and_a_phone(tmp_path, results, size):  # noqa: F811
    picture = tmp_path / "page.png"
    page = results / "pages" / "stem.html"
    _, complaints = browse(tmp_path, page, f"--window-size={size}", f"--screenshot={picture}")
    assert complaints == []
    with Image.open(picture) as shown:
        assert shown.width == int(size.split(",")[0])
        assert len(set(shown.convert("L").resize((64, 64)).tobytes())) > 20  # not an empty page
    dom, _ = browse(tmp_path, page, f"--window-size={size}", "--dump-dom")
    assert "data:image" in dom


def test_the_script_of_a_page_offers_columns_and_sorting(tmp_path, results):  # noqa: F811
    dom, complaints = browse(tmp_path, results / "pages" / "stem.html", "--dump-dom")
    assert complaints == []
    assert "Columns and intervals" in re.sub(r"<script>.*?</script>", "", dom, flags=re.S)
    assert re.search(r'<th tabindex="0" title="sort"', dom)
    dom, _ = browse(tmp_path, results / "index.html", "--dump-dom")
    assert re.search(r'<input type="search"(?![^>]*hidden)', dom)
