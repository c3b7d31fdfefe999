"""Tables of images as people keep them: other separators, absolute names, names like `null`, labels from 1 on."""

import pickle

import pytest

from splice_exp.core.errors import SpliceError
from splice_exp.data.image_table import ImageTable
from splice_exp.data.pair_table import PairTable
from tests.data.layouts import write_image


@pytest.fixture
def listed(tmp_path):
    """Write three images and a table of them; return its name."""

    def write(content, name="t.csv"):
        for number, file in enumerate(("a.png", "images/b.png", "images/c.png")):
            write_image(tmp_path / file, number)
        (tmp_path / "a.png").rename(tmp_path / "001")  # a name without a suffix, which is no number
        (tmp_path / name).write_text(content)
        return str(tmp_path / name)

    return write


def table(first, second, third, head="file,label"):
    return f"{head}\n001,{first}\nimages/b.png,{second}\nimages/c.png,{third}\n"


def test_names_that_mean_nothing_elsewhere_are_classes(listed):
    source = ImageTable(listed(table("null", "NA", "None")))
    assert source.classes == ("NA", "None", "null")
    assert source.labels.tolist() == [2, 0, 1]
    assert source.sample_ids[0] == "001"
    assert len(source.inputs(0, 3)) == 3


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators(listed, separator):
    source = ImageTable(listed("\ufeff" + table("hot dog", "ice", "ice").replace(",", separator)))
    assert source.classes == ("hot dog", "ice")


def test_years_are_classes_and_attributes(listed):
    path = listed(table("2012,998", "1998,2012", "2012,998", "file,label,year"))
    source = ImageTable(path, classes=[1998, 2012], attributes={"year": [998, 2012]})
    assert source.classes == ("1998", "2012")
    assert source.labels.tolist() == [1, 0, 1]
    assert source.attributes()["year"].labels.tolist() == [0, 1, 0]
    assert ImageTable(path, label_column="year").classes == ("998", "2012")


@pytest.mark.parametrize(("no", "yes"), [("0", "1"), ("0.0", "1.0"), ("False", "True"), ("false", "TRUE")])
def test_truth_is_read_however_programs_write_it(listed, no, yes):
    path = listed(table(f"a,{no}", f"b,{yes}", f"a,{yes}", "file,label,yellow"))
    source = ImageTable(path, attributes={"yellow": ["not", "yellow"]})
    assert source.attributes()["yellow"].labels.tolist() == [0, 1, 1]
    by_number = ImageTable(path, label_column="yellow", classes=["not", "yellow"])
    assert by_number.labels.tolist() == [0, 1, 1]


def test_truth_of_all_rows_is_no_label_that_starts_at_1(listed):
    path = listed(table("a,True", "b,True", "a,True", "file,label,yellow"))
    source = ImageTable(path, attributes={"yellow": ["not", "yellow"]})
    assert source.attributes()["yellow"].labels.tolist() == [1, 1, 1]


def test_integers_with_a_point_are_years_and_labels_of_names(listed):
    path = listed(table("2012.0,2.0", "1998.0,0.0", "2012.0,1.0", "file,label,kind"))
    assert ImageTable(path, classes=[1998, 2012]).labels.tolist() == [1, 0, 1]
    assert ImageTable(path, label_column="kind", classes=["a", "b", "c"]).labels.tolist() == [2, 0, 1]


def test_true_and_false_are_no_labels_of_three_classes(listed):
    path = listed(table("True", "False", "True"))
    with pytest.raises(SpliceError, match="have other labels .False, True."):
        ImageTable(path, classes=["a", "b", "c"])


def test_white_space_around_a_name_does_not_count(listed):
    assert ImageTable(listed(table("cat ", " cat", "dog"))).classes == ("cat", "dog")


def test_codes_with_zeros_in_front_are_names(listed):
    source = ImageTable(listed(table("007", "7", "07")))
    assert source.classes == ("007", "07", "7")


def test_a_line_end_in_a_cell(listed):
    source = ImageTable(listed(table('"two\nlines"', "a", "a")))
    assert source.classes == ("a", "two\nlines")


def test_absolute_names(listed, tmp_path, monkeypatch):
    path = listed(table("a", "b", "b"))
    relative = ImageTable(path)
    absolute = ImageTable(
        listed(
            table("a", "b", "b").replace("\n001", f"\n{tmp_path}/001").replace("\nimages", f"\n{tmp_path}/images"),
            "absolute.csv",
        )
    )
    assert absolute.sample_ids == relative.sample_ids == ("001", "images/b.png", "images/c.png")
    assert absolute.fingerprint() == relative.fingerprint()
    (tmp_path / "elsewhere").mkdir()
    elsewhere = ImageTable(listed((tmp_path / "absolute.csv").read_text(), "elsewhere/t.csv"))
    assert elsewhere.sample_ids == relative.sample_ids
    assert elsewhere.fingerprint() == relative.fingerprint()
    assert len(elsewhere.inputs(0, 3)) == 3
    monkeypatch.chdir(tmp_path)
    assert ImageTable("absolute.csv").fingerprint() == relative.fingerprint()
    pairs = "safe,nsfw,safe_image,nsfw_image\na,b,images/b.png,images/c.png\n"
    names = pairs.replace("images", f"{tmp_path}/images")
    same = [PairTable(listed(text, name)) for text, name in ((pairs, "p.csv"), (names, "elsewhere/p.csv"))]
    assert same[0].sample_ids == ("0:safe:images/b.png", "0:unsafe:images/c.png")
    assert [len(one.inputs(0, 2)) for one in same] == [2, 2]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (table("a", "", "b"), r"^label_column is 'label', but line 3 of .* has nothing there"),
        (table("a", "b", "b").replace("001", ""), r"^file_column is 'file', but line 2 of .* has nothing there"),
        (
            table("a,a", "b,b", "b,b", "file,label,label"),
            r"^label_column is 'label', but .* has 2 columns of",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(listed, content, message):
    with pytest.raises(SpliceError, match=message):
        ImageTable(listed(content))


def test_labels_from_1_on_are_asked_for(listed):
    path = listed(table("1", "2", "2"))
    with pytest.raises(SpliceError, match=r"^label_column: labels .* run from 1 to 2 for 2 .* first_label to 1\.$"):
        ImageTable(path, classes=["cat", "dog"])
    assert ImageTable(path, classes=["cat", "dog"], first_label=1).labels.tolist() == [0, 1, 1]
    with pytest.raises(SpliceError, match=r"first_label to 1, or 0 if no sample is of the first class, 'none'"):
        ImageTable(path, classes=["none", "cat", "dog"])
    assert ImageTable(path, classes=["none", "cat", "dog"], first_label=0).labels.tolist() == [1, 2, 2]
    with pytest.raises(SpliceError, match="^classes has 2 names, but rows 1, 2 have other labels"):
        ImageTable(path, classes=["cat", "dog"], first_label=0)
    assert ImageTable(path, classes=[1, 2]).classes == ("1", "2")  # names
    with pytest.raises(SpliceError, match="^first_label is True, but must be 0 or 1, or null"):
        ImageTable(path, first_label=True)


def test_a_split_without_the_first_class_is_not_taken_for_labels_from_1_on(listed):
    path = listed(table("0,train", "1,test", "1,test", "file,label,part"))
    source = ImageTable(path, classes=["cat", "dog"], split_column="part", split="test")
    assert source.labels.tolist() == [1, 1]


def test_the_table_travels_to_processes_that_load(listed):
    source = pickle.loads(pickle.dumps(ImageTable(listed(table("a", "b", "b")))))
    assert len(source.inputs(0, 3)) == 3


def test_what_is_not_seen_around_labels_and_splits_does_not_count(listed):
    path = listed(table("\u200bcat,test", "cat,test ", "dog\u00a0,\ufefftest", "file,label,split"))
    source = ImageTable(path, split_column="split", split="test")
    assert source.classes == ("cat", "dog")
    assert source.labels.tolist() == [0, 0, 1]
