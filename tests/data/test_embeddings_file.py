import pickle
import warnings

import numpy as np
import pytest
import torch

from splice_exp.core.errors import SpliceError
from splice_exp.core.io import read_json, sidecar, write_json
from splice_exp.core.tensors import read_tensors, write_tensors
from splice_exp.data.embeddings_file import EmbeddingsFile
from splice_exp.embeddings.geometry import read_mean
from tests.conftest import unit_rows


def test_safetensors_with_sidecar(embedding_files):
    data = EmbeddingsFile(str(embedding_files["E"]))
    embeddings = data.embeddings()
    assert data.name == "E"
    assert data.encoder == "Tiny/tests"
    assert embeddings.classes == ("cat", "dog", "polar_bear", "unicorn")
    assert embeddings.sample_ids[3] == "3.jpg"
    assert embeddings.labels.tolist() == [0, 1, 2, 3] * 3
    torch.testing.assert_close(embeddings.features.norm(dim=1), torch.ones(12))


def test_npz_and_npy_hold_the_same(embedding_files, tmp_path):
    expected = EmbeddingsFile(str(embedding_files["E"])).embeddings()
    tensors, words = read_tensors(embedding_files["E"]), read_json(sidecar(embedding_files["E"]))
    arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
    np.savez(tmp_path / "all.npz", **arrays, classes=words["classes"], files=words["files"])
    np.save(tmp_path / "alone.npy", arrays["embeddings"])
    np.save(tmp_path / "labels.npy", arrays["labels"])
    (tmp_path / "classes.txt").write_text("\n".join(words["classes"]))
    one = EmbeddingsFile(str(tmp_path / "all.npz")).embeddings()
    other = EmbeddingsFile(
        str(tmp_path / "alone.npy"), labels=str(tmp_path / "labels.npy"), classes=str(tmp_path / "classes.txt")
    ).embeddings()
    for found in (one, other):
        assert torch.equal(found.features, expected.features)
        assert torch.equal(found.labels, expected.labels)
        assert found.classes == expected.classes
    assert one.sample_ids == expected.sample_ids


def test_npz_arrays_of_any_kind_are_read(tmp_path):
    features = np.eye(3, dtype=">f4")
    for labels in (
        np.array([0, 1, 1], dtype=np.uint16),
        np.array([0, 1, 1], dtype=">i4"),
        np.array([False, True, True]),
    ):
        np.savez_compressed(
            tmp_path / "E.npz", embeddings=features, labels=labels, classes=np.array([b"caf\xc3\xa9", b"b"])
        )
        data = EmbeddingsFile(str(tmp_path / "E.npz"))
        assert data.labels.tolist() == [0, 1, 1]
        assert data.classes == ("café", "b")
        assert torch.equal(data.embeddings().features, torch.eye(3))


def test_numpy_files_of_the_other_kind_are_named(tmp_path):
    np.save(tmp_path / "E.npy", np.eye(3))
    np.savez(tmp_path / "F.npz", embeddings=np.eye(3))
    (tmp_path / "E.npy").rename(tmp_path / "G.npz")
    (tmp_path / "F.npz").rename(tmp_path / "H.npy")
    for name in ("G.npz", "H.npy"):
        with pytest.raises(SpliceError, match=f"{name} cannot be read.*other NumPy format"):
            EmbeddingsFile(str(tmp_path / name))


def test_labels_in_words_are_refused(tmp_path):
    np.savez(tmp_path / "E.npz", embeddings=np.eye(2), labels=np.array(["cat", "dog"]), classes=["cat", "dog"])
    with pytest.raises(SpliceError, match=r"^labels: .*E\.npz holds labels in words"):
        EmbeddingsFile(str(tmp_path / "E.npz"))


def test_without_labels_there_are_no_classes_to_judge(tmp_path):
    np.save(tmp_path / "E.npy", np.eye(4, dtype=np.float32))
    data = EmbeddingsFile(str(tmp_path / "E.npy"), limit=3)
    assert data.embeddings().labels is None
    assert len(data) == len(data.embeddings()) == 3


def write(path, embeddings, labels=None, **words):
    tensors = {"embeddings": torch.as_tensor(embeddings)}
    if labels is not None:
        tensors["labels"] = torch.as_tensor(labels)
    write_tensors(path, tensors)
    write_json(sidecar(path), words)
    return {"path": str(path)}


GOOD = [[1.0, 0], [0, 1], [1, 1]]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: write(p, [[1.0, 0], [float("nan"), 1]]), r"^path.*E\.safetensors has NaN.*rows 1"),
        (lambda p: write(p, [[0.0, 0], [0, 1]]), "only zeros.*rows 0"),
        (lambda p: write(p, GOOD, [0, 1, 2], classes=["a", "b"]), r"0 … 1 .*row 2 has label 2"),
        (lambda p: write(p, GOOD, [0, -1, 1], classes=["a", "b"]), r"row 1 has label -1"),
        (lambda p: write(p, GOOD, [0, 1], classes=["a", "b"]), r"one integer for each of the 3 rows"),
        (lambda p: write(p, GOOD, [0.0, 1, 1], classes=["a", "b"]), r"float32.*one integer"),
        (lambda p: write(p, GOOD, [False, True, True], classes=["a", "b", "c"]), r"torch.bool.*one integer"),
        (lambda p: write(p, GOOD, [0, 1, 1]), r"give classes"),
        (lambda p: write(p, GOOD, files=["a.jpg"]), "names 1 files for 3 rows"),
        (lambda p: write(p, GOOD, files=["a", "b", "a"]), "names a file twice"),
        (lambda p: write(p, GOOD, classes="dog"), r"`classes` of .* is 'dog', but must be a list of names"),
        (lambda p: write(p, GOOD, classes=None), r"`classes` of .* is None"),
        (lambda p: write(p, GOOD) | {"limit": 0}, r"^limit is 0"),
        (lambda p: write(p, GOOD) | {"missing_classes": "ignore"}, r"^missing_classes is 'ignore'.*drop, error"),
        (lambda p: {"path": str(p)}, r"^path is .*no such file"),
        (lambda p: {"path": str(p.with_suffix(".bin"))}, r"must end in one of: \.safetensors, \.npz, \.npy"),
        (lambda p: write(p, GOOD) | {"labels": str(p)}, r"^labels: .* cannot be read"),
        (lambda p: write(p, GOOD) | {"classes": "nowhere.txt"}, r"^classes is 'nowhere\.txt', which cannot be read"),
    ],
)
def test_bad_files_are_named(tmp_path, make, message):
    with pytest.raises(SpliceError, match=message):
        EmbeddingsFile(**make(tmp_path / "E.safetensors"))


@pytest.mark.parametrize("suffix", [".safetensors", ".npz", ".npy"])
def test_truncated_files_are_named(tmp_path, suffix):
    path = tmp_path / f"E{suffix}"
    if suffix == ".safetensors":
        write(path, GOOD)
    else:
        {"npz": np.savez, "npy": np.save}[suffix[1:]](path, np.eye(100, dtype=np.float32))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SpliceError, match=rf"E\{suffix} cannot be read"):
        EmbeddingsFile(str(path))


def test_another_tensor_is_not_taken_for_embeddings(tmp_path):
    write_tensors(tmp_path / "M.safetensors", {"mean": torch.ones(3)})
    with pytest.raises(SpliceError, match="holds mean, but must hold `embeddings`"):
        EmbeddingsFile(str(tmp_path / "M.safetensors"))


def test_tensors_of_torch(tmp_path):
    torch.save(torch.eye(3, dtype=torch.bfloat16), tmp_path / "alone.pt")
    torch.save(torch.tensor([1, 0, 1]), tmp_path / "labels.pt")
    content = {"embeddings": torch.eye(3).requires_grad_(), "labels": torch.tensor([1, 0, 1]), "classes": ["a", "b"]}
    torch.save({**content, "files": ["x", "y", "z"], "backbone": "Tiny"}, tmp_path / "all.pt")
    (tmp_path / "classes.txt").write_text("a\nb\n")
    one = EmbeddingsFile(str(tmp_path / "all.pt"))
    other = EmbeddingsFile(
        str(tmp_path / "alone.pt"), labels=str(tmp_path / "labels.pt"), classes=str(tmp_path / "classes.txt")
    )
    for found in (one, other):
        assert torch.equal(found.embeddings().features, torch.eye(3))
        assert found.labels.tolist() == [1, 0, 1]
        assert found.classes == ("a", "b")
    assert one.sample_ids == ("x", "y", "z")
    assert one.encoder == "Tiny"


class Hostile:
    def __reduce__(self):
        return (print, ("this must not be printed",))


@pytest.mark.parametrize(
    "content", [Hostile(), {"embeddings": torch.eye(2), "labels": Hostile()}, torch.nn.Linear(2, 2)]
)
def test_nothing_but_tensors_and_plain_values_is_unpickled(tmp_path, content, capsys):
    torch.save(content, tmp_path / "E.pt")
    with pytest.raises(SpliceError, match=r"^path: .*E\.pt is damaged, or holds more than tensors and plain values"):
        EmbeddingsFile(str(tmp_path / "E.pt"))
    torch.save(torch.eye(2), tmp_path / "E.pt")
    torch.save(content, tmp_path / "L.pt")
    with pytest.raises(SpliceError, match=r"^labels: .*L\.pt is damaged, or holds more"):
        EmbeddingsFile(str(tmp_path / "E.pt"), labels=str(tmp_path / "L.pt"))
    assert capsys.readouterr().out == ""


def test_a_torch_file_of_other_things_is_named(tmp_path):
    (tmp_path / "E.pt").write_bytes(b"no archive")
    with pytest.raises(SpliceError, match=r"^path: .*E\.pt is no file of torch .it begins with 'no archive'"):
        EmbeddingsFile(str(tmp_path / "E.pt"))
    torch.save({"weights": torch.eye(2)}, tmp_path / "E.pt")
    with pytest.raises(SpliceError, match="holds weights, but must hold `embeddings`"):
        EmbeddingsFile(str(tmp_path / "E.pt"))
    torch.save([1, 2], tmp_path / "E.pt")
    with pytest.raises(SpliceError, match="holds no matrix of numbers"):
        EmbeddingsFile(str(tmp_path / "E.pt"))


def with_labels(tmp_path, labels, names, **options):
    np.save(tmp_path / "E.npy", np.eye(4))
    np.save(tmp_path / "L.npy", labels, allow_pickle=True)
    (tmp_path / "names.txt").write_text("".join(f"{name}\n" for name in names))
    files = {"labels": str(tmp_path / "L.npy"), "classes": str(tmp_path / "names.txt")}
    return EmbeddingsFile(str(tmp_path / "E.npy"), **files, **options)


def test_labels_from_1_on_are_asked_for(tmp_path):
    labels = np.array([1, 2, 3, 3])
    with pytest.raises(
        SpliceError, match=r"^labels run from 1 to 3 for 3 classes, and none is 0: do they start at 1\? "
    ):
        with_labels(tmp_path, labels, ["a", "b", "c"])
    with pytest.raises(SpliceError, match=r"set first_label to 1, or 0 if no sample is of the first class, 'a'\.$"):
        with_labels(tmp_path, labels, ["a", "b", "c", "d", "e"])  # they are in range, and each is one off
    assert with_labels(tmp_path, labels, ["a", "b", "c", "d"], first_label=1).labels.tolist() == [0, 1, 2, 2]
    assert with_labels(tmp_path, labels, ["a", "b", "c", "d"], first_label=0).labels.tolist() == [1, 2, 3, 3]
    assert with_labels(tmp_path, labels - 1, ["a", "b", "c", "d"]).labels.tolist() == [0, 1, 2, 2]
    assert with_labels(tmp_path, labels + 1, ["a", "b", "c", "d", "e"]).labels.tolist() == [2, 3, 4, 4]
    with pytest.raises(SpliceError, match=r"labels must lie in 1 … 2 .*row 2, 3 has label 3, 3"):
        with_labels(tmp_path, labels, ["a", "b"], first_label=1)
    with pytest.raises(SpliceError, match=r"labels must lie in 0 … 1 "):
        with_labels(tmp_path, labels, ["a", "b"])


def test_labels_in_words_say_the_cure(tmp_path):
    words = ["cat", "dog", "cat", "cat"]
    with pytest.raises(SpliceError, match=r"^labels: .*L\.npy holds words, .* numpy\.unique\(words, return_inv"):
        with_labels(tmp_path, np.array(words), ["cat", "dog"])
    with pytest.raises(SpliceError, match=r"^labels: .*L\.npy .*Python objects, which are never loaded.*dtype=str"):
        with_labels(tmp_path, np.array(words, dtype=object), ["cat", "dog"])
    np.savez(tmp_path / "E.npz", embeddings=np.eye(2), classes=np.array(["a", "b"], dtype=object))
    with pytest.raises(SpliceError, match=r"^path: .*E\.npz .*Python objects, which are never loaded.*dtype=str"):
        EmbeddingsFile(str(tmp_path / "E.npz"))


@pytest.mark.parametrize("text", ["a\nb\n", "\ufeffa\r\nb\r\n", "a\n\nb"])
def test_classes_are_read_like_every_list(tmp_path, text):
    np.save(tmp_path / "E.npy", np.eye(2))
    (tmp_path / "names.txt").write_bytes(text.encode())
    assert EmbeddingsFile(str(tmp_path / "E.npy"), classes=str(tmp_path / "names.txt")).classes == ("a", "b")


def test_labels_that_are_true_or_false_are_of_two_classes_in_every_layout(tmp_path):
    np.save(tmp_path / "E.npy", np.eye(3, dtype=np.float32))
    np.save(tmp_path / "y.npy", np.array([True, False, True]))
    np.savez(tmp_path / "E.npz", embeddings=np.eye(3, dtype=np.float32), labels=np.array([True, False, True]))
    (tmp_path / "names.txt").write_text("a\nb\nc\n")
    classes = str(tmp_path / "names.txt")
    for path, labels in (("E.npy", str(tmp_path / "y.npy")), ("E.npz", None)):
        with pytest.raises(SpliceError, match=r"labels.*bool.*integer"):
            EmbeddingsFile(str(tmp_path / path), labels=labels, classes=classes)
    (tmp_path / "names.txt").write_text("no\nyes\n")
    for path, labels in (("E.npy", str(tmp_path / "y.npy")), ("E.npz", None)):
        assert EmbeddingsFile(str(tmp_path / path), labels=labels, classes=classes).labels.tolist() == [1, 0, 1]


@pytest.mark.parametrize("suffix", ["npy", "pt", "npz", "safetensors"])
@pytest.mark.parametrize(
    ("last", "message"),
    [
        (np.uint64(2**64 - 1), r"row 3 has label 18446744073709551615\.$"),
        (np.uint64(2**63 + 5), r"row 3 has label 9223372036854775813\.$"),
        (np.int64(-1), r"row 3 has label -1; -1 often stands for no label: take rows that have one\.$"),
        (np.uint16(7), r"row 3 has label 7\.$"),
    ],
    ids=["-1 without a sign", "beyond int64", "-1", "7"],
)
def test_labels_of_no_class_are_told_as_they_are(tmp_path, suffix, last, message):
    labels = torch.from_numpy(np.array([0, 1, 0, last], dtype=last.dtype))
    features, path = torch.eye(4), tmp_path / f"E.{suffix}"
    (tmp_path / "classes.txt").write_text("cat\ndog\n")
    given = {"classes": str(tmp_path / "classes.txt")}
    if suffix == "safetensors":
        write_tensors(path, {"embeddings": features, "labels": labels})
    elif suffix == "npz":
        np.savez(path, embeddings=features.numpy(), labels=labels.numpy())
    elif suffix == "pt":
        torch.save({"embeddings": features, "labels": labels}, path)
    else:
        np.save(path, features.numpy())
        np.save(tmp_path / "y.npy", labels.numpy())
        given["labels"] = str(tmp_path / "y.npy")
    with pytest.raises(SpliceError, match=rf"^labels must lie in 0 … 1 \(there are 2 classes\), but {message}"):
        EmbeddingsFile(str(path), **given)


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_a_pickle_is_refused_without_words_of_torch(tmp_path, protocol, capfd):
    (tmp_path / "E.pt").write_bytes(pickle.dumps({"embeddings": np.eye(3)}, protocol))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(SpliceError, match="^path: .* holds more than tensors and plain values"):
            EmbeddingsFile(str(tmp_path / "E.pt"))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones((2, 3), dtype=complex), "holds no matrix of numbers: .* floating point and not sparse"),
        (np.array([["a", "b"]]), "holds no matrix of numbers"),
        (np.zeros(2, dtype=[("x", "f4"), ("y", "f4")]), "holds no matrix of numbers"),
    ],
)
def test_arrays_of_other_things_are_told_as_such(tmp_path, array, message):
    np.save(tmp_path / "E.npy", array)
    with pytest.raises(SpliceError, match=rf"^path: .*E\.npy {message}"):
        EmbeddingsFile(str(tmp_path / "E.npy"))


def test_a_list_of_words_is_not_taken_for_python_objects(tmp_path):
    write(tmp_path / "E.safetensors", GOOD, classes=["a", "b"])
    (tmp_path / "labels.txt").write_text("0\n1\n1\n")
    with pytest.raises(SpliceError, match=r"^labels: .*labels\.txt cannot be read as \.npy \(it is no file of NumPy"):
        EmbeddingsFile(str(tmp_path / "E.safetensors"), labels=str(tmp_path / "labels.txt"))


def test_a_tilde_that_no_shell_has_replaced_is_the_home_folder(tmp_path, monkeypatch):
    """Shells replace it at the beginning of a word only, and not in `data.path=~/E.npy`."""
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path / "E.safetensors", GOOD)
    np.save(tmp_path / "L.npy", np.array([0, 1, 1]))
    (tmp_path / "classes.txt").write_text("ant\nbee\n")
    source = EmbeddingsFile("~/E.safetensors", labels="~/L.npy", classes="~/classes.txt")
    assert source.classes == ("ant", "bee")
    assert source.labels.tolist() == [0, 1, 1]
    np.save(tmp_path / "mean.npy", np.full(2, 0.5))
    assert read_mean("~/mean.npy", 2).tolist() == [0.5, 0.5]


def test_the_halves_of_a_file_share_nothing_and_have_all_classes(tmp_path):
    features = unit_rows(11, 4, 0).numpy()
    labels, classes = np.array([0, 0, 1, 1, 0, 1, 0, 1, 0, 1, 1]), np.array(["cat", "dog"])
    np.savez(tmp_path / "all.npz", embeddings=features, labels=labels, classes=classes)
    first, second = (EmbeddingsFile(str(tmp_path / "all.npz"), half=half) for half in ("first", "second"))
    assert first.sample_ids == ("0", "2", "4", "5", "8", "9")
    assert second.sample_ids == ("1", "3", "6", "7", "10")
    assert first.labels.tolist() == [0, 1, 0, 1, 0, 1]
    np.testing.assert_array_equal(second.embeddings().features.numpy(), features[[1, 3, 6, 7, 10]])
    np.save(tmp_path / "one.npy", features[:1])
    assert len(EmbeddingsFile(str(tmp_path / "one.npy"), half="first")) == 1
    with pytest.raises(SpliceError, match="^half is 'second', but the second half of 1 samples is empty"):
        EmbeddingsFile(str(tmp_path / "one.npy"), half="second")
    with pytest.raises(SpliceError, match="^half is 'left'"):
        EmbeddingsFile(str(tmp_path / "all.npz"), half="left")
