"""What is released: links that work without the repository, an image with all that the wheel needs, a workflow."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from scripts.absolute_links import LINK, absolute

ROOT = Path(__file__).parents[2]
BASE = "https://example.org/splice_exp/blob/main"


def test_links_lead_to_the_repository_and_images_to_files(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").touch()
    (tmp_path / "b.png").touch()
    text = "![b](b.png) [a](docs/a.md#part), [up](#up), [there](https://there.org/x), [mail](mailto:x@y.org)"
    assert absolute(text, BASE, tmp_path) == (
        f"![b](https://example.org/splice_exp/raw/main/b.png) [a]({BASE}/docs/a.md#part), [up](#up), "
        "[there](https://there.org/x), [mail](mailto:x@y.org)"
    )
    with pytest.raises(FileNotFoundError, match="leads to c.md, which is not there"):
        absolute("[c](c.md)", BASE, tmp_path)


def test_no_link_of_the_readme_needs_the_repository():
    text = absolute((ROOT / "README.md").read_text(), BASE, ROOT)
    assert not LINK.findall(text)
    assert text.count(BASE) > 5


def test_the_container_holds_all_that_the_wheel_is_built_of():
    copied = " ".join(re.findall(r"^COPY (.*) \S+$", (ROOT / "Containerfile").read_text(), re.M)).split()
    assert all((ROOT / name).exists() for name in copied)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["force-include"], project["project"]["readme"], "pyproject.toml"}
    assert needed | set(project["project"]["license-files"]) <= set(copied)


def test_the_workflow_publishes_tags_alone_and_checks_before():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())["jobs"]
    assert jobs["publish"]["needs"] == "build"
    assert jobs["publish"]["if"] == "github.ref_type == 'tag'"
    commands = [step["run"] for step in jobs["build"]["steps"] if "run" in step]
    assert any("check_release.py --demo --tests" in command for command in commands)
    for script in re.findall(r"scripts/\S+\.py", "\n".join(commands)):
        assert (ROOT / script).is_file()
