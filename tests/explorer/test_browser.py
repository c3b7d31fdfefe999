"""The page in a real browser: everything a user does, by mouse and by keyboard, on a desk and on a phone."""

import re
import shutil
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from PIL import Image

gradio = pytest.importorskip("gradio", reason="the extra explorer is not installed")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from splice_exp.explorer.page.launch import launch  # noqa: E402
from tests.core.text.test_markdown import HOSTILE, meant  # noqa: E402
from tests.explorer.models import explorer  # noqa: E402

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DESK, PHONE = {"width": 1400, "height": 1000}, {"width": 390, "height": 844}
VIEWS = ("Concepts", "Pixels", "Compare", "Change", "Data", "Heads")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("explorer"),
    pytest.mark.skipif(BROWSER is None, reason="no chromium here"),
]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder that the page may look into."""
    folder = tmp_path_factory.mktemp("photos")
    explorer().image(5).save(folder / "photo.png")
    return folder


@pytest.fixture(scope="module")
def address(photos):
    yield launch(explorer(), 0, [photos], max_upload=1, wait=False)
    gradio.close_all()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield found
        found.close()


class Visit:
    """One visitor, and what went wrong on the way."""

    def __init__(self, browser, address, size, scheme="light"):
        self.context = browser.new_context(viewport=size, color_scheme=scheme)
        self.page = self.context.new_page()
        self.outside, self.complaints = [], []
        self.page.on("request", self._requested)
        self.page.on("console", lambda said: said.type == "error" and self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.page.goto(address)
        self.page.wait_for_selector("#bars .sx-bar", timeout=60_000)

    def _requested(self, request):
        if not re.match(r"(http://127\.0\.0\.1[:/]|data:|blob:)", request.url):
            self.outside.append(request.url)

    def view(self, name):
        self.page.get_by_role("tab", name=name, exact=True).click()

    def write(self, box, text):
        found = self.page.locator(f"#{box} textarea, #{box} input").first
        found.fill(text)
        found.press("Enter")

    def text(self, place):
        return self.page.locator(f"#{place}").inner_text()

    def changes(self, place, do):
        """Do something, and wait until what is shown at a place is another thing."""
        before = self.page.locator(f"#{place}").inner_html()
        do()
        self.page.wait_for_function(
            "([place, before]) => document.getElementById(place).innerHTML !== before", arg=[place, before]
        )

    def waits_for(self, place, text):
        """Wait until a text is shown at a place."""
        self.page.wait_for_function(
            "([place, text]) => document.getElementById(place).innerText.includes(text)", arg=[place, text]
        )

    def said(self):
        """What a message on the page says."""
        return self.page.locator(".toast-body").first.inner_text()


@pytest.fixture
def visit(browser, address):
    visits = []

    def begin(size=DESK, scheme="light"):
        visits.append(Visit(browser, address, size, scheme))
        return visits[-1]

    yield begin
    for one in visits:
        one.context.close()
        assert one.outside == []
        assert one.complaints == []


def test_the_slider_follows_the_path_by_keyboard(visit):
    one = visit()
    slider = one.page.locator("#penalty input[type=range]")
    slider.focus()
    few = one.page.locator("#bars .sx-bar").count()
    for _ in range(60):
        slider.press("ArrowLeft")
    one.page.wait_for_function(f"document.querySelectorAll('#bars .sx-bar').length > {few}")
    assert one.page.locator("#penalty input[type=number]").input_value() == "0.19"
    gap = re.search(r"duality gap\s+(≤ 1e-12|\de-\d+)", one.text("fit"))[1]
    assert gap == "≤ 1e-12" or float(gap) < 1e-6
    legend = one.page.locator("#bars .sx-legend").inner_text()
    assert "not in the image" in legend
    assert {"true", "false"} <= set(one.page.locator("#bars .sx-verdict span").all_inner_texts())


def test_a_bar_leads_to_its_pixels(visit):
    one = visit()
    name = one.page.locator("#bars .sx-name").nth(1).inner_text()
    one.page.locator("#bars .sx-bar").nth(1).focus()
    one.page.keyboard.press("Enter")
    one.page.wait_for_selector("#map img >> nth=1", timeout=30_000)
    assert one.page.locator("#corpus textarea, #corpus input").first.input_value() == f"a photo of a {name}"
    assert f"a photo of a {name} rather than all concepts" in one.text("map")
    assert "Reliability" in one.text("map")
    one.write("foil", "a photo of a house")
    one.waits_for("map", "rather than a photo of a house")


def test_two_images_are_told_apart(visit):
    one = visit()
    one.view("Compare")
    one.page.locator("#keep").click()
    one.page.wait_for_selector("#comparison table")
    assert "Cosine of the embeddings 1.000" in one.text("comparison")
    one.changes("comparison", lambda: one.page.locator("#gallery .sx-sample").nth(3).click())
    one.page.wait_for_function("!document.getElementById('comparison').innerText.includes('embeddings 1.000')")
    assert one.page.locator("#comparison img").count() == 2


def test_concepts_are_switched_off_and_set(visit):
    one = visit()
    one.view("Change")
    one.page.wait_for_selector("#probabilities table")
    one.changes("probabilities", lambda: one.page.locator("#off input").first.click())
    one.changes("probabilities", lambda: one.write("to", "grass = 1"))
    assert one.page.locator("#probabilities tr").nth(1).inner_text()
    one.changes("probabilities", lambda: one.write("classes", "grass, water"))
    one.page.wait_for_function("document.querySelectorAll('#probabilities tr').length === 3", timeout=10_000)
    one.page.locator("#nearest").click()
    one.page.wait_for_selector("#neighbours .sx-sample", timeout=60_000)


def test_a_search_finds_images_and_a_wrong_one_says_why(visit):
    one = visit()
    one.view("Data")
    one.write("search", "sand > .01, not grass")
    one.page.wait_for_selector("#results .sx-sample")
    found = one.page.locator("#results .sx-sample").count()
    assert one.text("count").startswith(f"{found} of 40 samples")
    one.write("search", "sandd > .1")
    one.page.wait_for_selector(".toast-body")
    assert "There is no concept 'sandd' in the dictionary (nearest: 'sand'" in one.said()
    one.complaints.clear()  # the browser logs the answer, which is an error
    one.write("concept", "sand")
    one.page.wait_for_selector("#described table")
    assert "sand by class" in one.text("described")
    one.page.locator("#spurious").click()
    one.page.wait_for_selector("#pairs table, #pairs .sx-table")


def test_heads_are_read_and_a_concept_is_silenced(visit):
    one = visit()
    one.view("Heads")
    one.page.wait_for_selector("#grid button", timeout=60_000)
    assert one.page.locator("#grid button").count() == 20
    one.page.locator("#grid button").first.click()
    one.page.wait_for_selector("#directions table", timeout=60_000)
    assert "L4.H0.0+" in one.text("directions")
    assert "L4.H0.0−" in one.text("directions")
    one.write("silence", "sand")
    one.page.wait_for_selector("#effect table", timeout=60_000)
    assert "vectors edited" in one.text("effect")
    one.write("name", "../elsewhere")
    one.page.wait_for_selector(".toast-body")
    assert "must be a plain one" in one.said()
    one.complaints.clear()


def test_uploads_are_looked_at_or_refused(visit, tmp_path):
    one = visit()
    chooser = one.page.locator("#upload input[type=file]")
    explorer().image(7).save(tmp_path / "mine.png")
    chooser.set_input_files(tmp_path / "mine.png")
    one.waits_for("current", "mine.png")
    assert "seen only drawings" in one.text("current")
    one.page.wait_for_function(
        "[...document.querySelectorAll('#bars .sx-verdict span')].every(one => one.innerText === '')"
    )  # no truth is known
    for name, content in (("large.png", b"\x89PNG" + bytes(2_000_000)), ("false.png", b"<script>alert(1)</script>")):
        other = visit()
        (tmp_path / name).write_bytes(content)
        other.page.locator("#upload input[type=file]").set_input_files(tmp_path / name)
        other.page.wait_for_selector(".toast-body", timeout=30_000)
        assert re.search("exceed the maximum allowed size of 1.0 Mb|cannot be read as an image", other.said())
        assert name not in other.text("current")
        other.context.close()
        other.complaints.clear()  # of Gradio, which logs what it refuses


def test_samples_by_name_and_files_of_given_folders_only(visit, photos, tmp_path):
    one = visit()
    one.write("sample", "6")
    one.waits_for("current", explorer().study.embeddings.sample_ids[6])
    one.write("sample", str(photos / "photo.png"))
    one.waits_for("current", "photo.png")
    shutil.copy(photos / "photo.png", tmp_path / "secret.png")
    (photos / "link.png").symlink_to(tmp_path / "secret.png")
    for path in (
        tmp_path / "secret.png",
        photos / ".." / tmp_path.name / "secret.png",
        photos / "link.png",
        "/etc/passwd",
    ):
        one.page.reload()
        one.page.wait_for_selector("#bars .sx-bar")
        one.write("sample", str(path))
        one.page.wait_for_selector(".toast-body")
        assert re.search("--allow|There is no sample", one.said())
    one.complaints.clear()


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd", "http://example.org/"],
)
def test_other_files_are_never_served(address, path, tmp_path):
    for begin in ("gradio_api/file=", "file=", "gradio_api/file/", "gradio_api/proxy="):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{address.rstrip('/')}/{begin}{path}")
        assert refused.value.code in (403, 404, 405)
        assert b"root:" not in refused.value.read()
    own = Path(__file__).resolve()
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{address.rstrip('/')}/gradio_api/file={own}")
    assert refused.value.code in (403, 404)


def test_every_answer_forbids_other_machines(address):
    with urllib.request.urlopen(address) as answer:
        assert "connect-src 'self'" in answer.headers["content-security-policy"]
        page = answer.read().decode()
    assert not re.findall(r"(?:src|href)=\"https?://(?!127)[^\"]*\"", page)


def test_the_keyboard_reaches_the_gallery(visit):
    one = visit()
    one.page.locator("#gallery .sx-sample").first.focus()
    one.page.keyboard.press("Tab")
    assert one.page.evaluate("document.activeElement.dataset.pick") == "1"
    one.page.keyboard.press("Enter")
    one.waits_for("current", explorer().study.embeddings.sample_ids[1])
    wanted, reached = {"sample", "upload", "penalty", "views", "bars"}, set()
    for _ in range(60):
        one.page.keyboard.press("Tab")
        reached |= {name for name in wanted if one.page.evaluate(f"!!document.activeElement.closest('#{name}')")}
    assert reached == wanted


def test_a_phone_has_no_horizontal_scroll(visit):
    one = visit(PHONE)
    for name in VIEWS:
        one.view(name)
        one.page.wait_for_timeout(300)
        assert one.page.evaluate("document.documentElement.scrollWidth") <= 390, name
    assert one.page.locator("#grid button").count() == 20


def test_dark_is_dark(visit):
    for scheme in ("light", "dark"):
        one = visit(scheme=scheme)
        shade = "getComputedStyle(document.body).backgroundColor"
        values = [float(number) for number in re.findall(r"[\d.]+", one.page.evaluate(shade))][:3]
        ink = "getComputedStyle(document.querySelector('.sx-name')).color"
        inks = [float(number) for number in re.findall(r"[\d.]+", one.page.evaluate(ink))][:3]
        assert (sum(values) < sum(inks)) == (scheme == "dark")


def test_two_visitors_do_not_see_each_other(visit):
    first, second = visit(), visit()
    untouched = second.text("current")
    first.page.locator("#gallery .sx-sample").nth(2).click()
    first.waits_for("current", explorer().study.embeddings.sample_ids[2])
    first.view("Change")
    first.changes("probabilities", lambda: first.page.locator("#off input").first.click())
    second.view("Change")
    assert second.text("current") == untouched
    assert second.page.locator("#off input:checked").count() == 0
    second.page.locator("#penalty input[type=range]").press("ArrowLeft")
    assert first.page.locator("#penalty input[type=number]").input_value() == "0.25"


def test_files_and_commands_can_be_taken_along(visit):
    one = visit()
    one.page.get_by_role("button", name="Figure and numbers as files").first.click()
    one.page.wait_for_selector("#files a", timeout=30_000)
    names = one.text("files")
    assert all(suffix in re.sub(r"\s", "", names) for suffix in (".csv", ".png", ".svg"))
    with one.page.expect_download() as waiting:
        one.page.locator("#files a").first.click()
    content = Path(waiting.value.path()).read_text()
    assert content.startswith("concept,code,truth\n")
    one.page.get_by_role("button", name="The same in a terminal and in Python").first.click()
    one.page.wait_for_selector(".cm-content")
    shown = " ".join(one.page.locator(".cm-content").all_inner_texts())
    assert "python -m splice_exp experiment=decompose" in shown
    assert "model.decompose(model.sample(0), l1_penalty=0.25)" in shown


def test_hostile_names_are_shown_as_they_are(browser, tmp_path):
    names = [
        *(name for name in HOSTILE if "\n" not in name),
        '"><img src=x onerror=alert(1)>',
        "${alert(1)}",
        "{{value}}",
    ]
    (tmp_path / "names.txt").write_text("\n".join([*names, "grass", "sand", "water"]))
    for number, folder in enumerate(("<img src=x onerror=alert(1)>", "=1+1")):
        (tmp_path / "images" / folder).mkdir(parents=True)
        for row in range(3):
            explorer().image(3 * number + row).save(tmp_path / "images" / folder / f"<b onclick=alert(1)>{row}.png")
    model = explorer(
        "data=image_folder",
        f"data.root={tmp_path / 'images'}",
        "vocabulary=file",
        f"vocabulary.path={tmp_path / 'names.txt'}",
        "alignment.image_mean=official",
    )
    one = Visit(browser, launch(model, 0, wait=False), DESK)  # closed with the other one
    slider = one.page.locator("#penalty input[type=number]")
    slider.fill("0.08")
    slider.press("Enter")
    one.page.wait_for_timeout(500)
    shown = set(one.page.locator("#bars .sx-name").all_inner_texts())
    assert shown <= {meant(name) for name in model.study.dictionary.concepts}
    one.view("Change")
    one.view("Data")
    one.write("search", '"<script>alert(1)</script>" > 5')
    one.page.wait_for_timeout(500)
    one.write("search", "<img src=x onerror=alert(1)>")
    one.page.wait_for_selector(".toast-body")
    assert "<img src=x onerror=alert(1)>" in one.said()
    one.page.locator("#spurious").click()
    one.page.wait_for_timeout(1000)
    assert one.page.locator("img[src=x], [onclick], [onerror]").count() == 0
    assert one.outside == []
    assert not [said for said in one.complaints if "Failed to load resource" not in said]
    one.context.close()


def test_a_small_image_is_enough(visit, tmp_path):
    Image.new("L", (1, 1)).save(tmp_path / "dot.png")
    one = visit()
    one.page.locator("#upload input[type=file]").set_input_files(tmp_path / "dot.png")
    one.waits_for("current", "dot.png")
