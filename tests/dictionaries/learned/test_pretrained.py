"""Files of both layouts, small, against their formulas; and, where it is installed, against the library itself."""

import importlib.util

import pytest
import torch
from safetensors.torch import save_file
from torch.nn.functional import normalize

from splice_exp.core.errors import SpliceError
from splice_exp.dictionaries.learned.pretrained import PretrainedAutoencoder
from splice_exp.dictionaries.learned.top_k import TopK
from tests.conftest import unit_rows
from tests.dictionaries.learned.test_learned import ingredients

SIZE, DIM = 12, 32
INSTALLED = importlib.util.find_spec("overcomplete") is not None


def prisma():
    return {
        "W_enc": unit_rows(DIM, SIZE, 0),
        "b_enc": 0.1 * unit_rows(1, SIZE, 1)[0],
        "W_dec": 2 * unit_rows(SIZE, DIM, 2),
        "b_dec": 0.3 * unit_rows(1, DIM, 3)[0],
    }


def overcomplete():
    return {
        "encoder.final_block.0.weight": unit_rows(SIZE, DIM, 0),
        "encoder.final_block.0.bias": 0.1 * unit_rows(1, SIZE, 1)[0],
        "encoder.final_block.1.weight": 1 + 0.5 * unit_rows(1, SIZE, 2)[0],
        "encoder.final_block.1.bias": 0.1 * unit_rows(1, SIZE, 3)[0],
        "encoder.final_block.1.running_mean": 0.1 * unit_rows(1, SIZE, 4)[0],
        "encoder.final_block.1.running_var": 1 + 0.5 * unit_rows(1, SIZE, 5)[0],
        "encoder.final_block.1.num_batches_tracked": torch.tensor(7),
        "dictionary._weights": 3 * unit_rows(SIZE, DIM, 6),
        "dictionary.multiplier": torch.tensor(0.4),
    }


def built(stored, folder, **options):
    save_file(stored, folder / "weights.safetensors")
    return PretrainedAutoencoder(str(folder / "weights.safetensors"), **options).build(ingredients())


@pytest.fixture
def targets():
    return ingredients().embeddings.features


def test_prisma(tmp_path, targets):
    stored = prisma()
    dictionary = built(stored, tmp_path)
    own = torch.relu((targets - stored["b_dec"]) @ stored["W_enc"] + stored["b_enc"])
    codes = dictionary.encoder.encode(targets)
    torch.testing.assert_close(dictionary.atoms, normalize(stored["W_dec"], dim=1))
    torch.testing.assert_close(codes, 2 * own)
    expected = own @ stored["W_dec"] + stored["b_dec"]
    torch.testing.assert_close(codes @ dictionary.atoms + dictionary.encoder.shift, expected)
    assert dictionary.provenance["method"] == "Prisma"
    few = built(stored, tmp_path, target_l0=2).encoder.encode(targets)
    assert (few > 0).sum(dim=1).max() == 2
    torch.testing.assert_close(few.amax(dim=1), codes.amax(dim=1))


def test_a_torch_file_with_a_state_inside(tmp_path, targets):
    expected = built(prisma(), tmp_path)
    for name, content in (("plain", prisma()), ("nested", {"state_dict": prisma(), "epoch": 3})):
        torch.save(content, tmp_path / f"{name}.pt")
        found = PretrainedAutoencoder(str(tmp_path / f"{name}.pt")).build(ingredients())
        torch.testing.assert_close(found.encoder.encode(targets), expected.encoder.encode(targets))


def test_overcomplete(tmp_path, targets):
    stored = overcomplete()
    block = torch.nn.Sequential(torch.nn.Linear(DIM, SIZE), torch.nn.BatchNorm1d(SIZE)).eval()
    prefix = "encoder.final_block."
    block.load_state_dict({name.removeprefix(prefix): stored[name] for name in stored if name.startswith(prefix)})
    dictionary = built(stored, tmp_path)
    decoder = normalize(stored["dictionary._weights"], dim=1) * torch.tensor(0.4).exp()
    with torch.no_grad():
        expected = block(targets).relu() @ decoder
    codes = dictionary.encoder.encode(targets)
    torch.testing.assert_close(codes @ dictionary.atoms, expected)
    torch.testing.assert_close(dictionary.atoms.norm(dim=1), torch.ones(SIZE))


@pytest.mark.skipif(not INSTALLED, reason="overcomplete is not installed")
def test_the_library_itself_gives_the_same(tmp_path, targets):
    import matplotlib as mpl
    from matplotlib import cm

    cm.get_cmap = getattr(cm, "get_cmap", mpl.colormaps.get_cmap)  # of which newer versions of matplotlib have none
    from overcomplete.sae import TopKSAE

    torch.manual_seed(0)
    theirs = TopKSAE(DIM, nb_concepts=SIZE, top_k=3).train()
    theirs(targets)  # so that means and variances are not those of the start
    theirs.eval()
    dictionary = built(dict(theirs.state_dict()), tmp_path, target_l0=3)
    with torch.no_grad():
        _, codes, reconstruction = theirs(targets)
    torch.testing.assert_close(dictionary.encoder.encode(targets), codes, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(dictionary.encoder.encode(targets) @ dictionary.atoms, reconstruction, atol=1e-5, rtol=0)
    torch.testing.assert_close(dictionary.atoms, theirs.get_dictionary().detach())
    ours = TopK(DIM, SIZE, 3)
    with torch.no_grad():
        scores = ours.scores(targets)
        block = torch.nn.Identity()
        block.forward = lambda x: (x, x.relu())
        theirs.encoder = block
        torch.testing.assert_close(ours.select(scores), theirs.encode(scores)[1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda stored: stored.pop("b_dec"), "of no known layout and has the tensors W_dec, W_enc, b_enc"),
        (lambda stored: stored.update(b_gate=torch.zeros(SIZE)), "is a gated autoencoder and has"),
        (lambda stored: stored.update(threshold=torch.zeros(SIZE)), "is a JumpReLU autoencoder and has"),
        (lambda stored: stored.update(W_enc=torch.zeros(3, SIZE)), "whose tensors do not fit together"),
        (lambda stored: stored["W_dec"][4].zero_(), r"atoms of zeros \(4\)"),
        (lambda stored: stored["b_enc"][4].fill_(torch.nan), "not finite"),
        (
            lambda stored: stored.update(W_enc=torch.ones(3, SIZE), b_dec=torch.zeros(3), W_dec=torch.ones(SIZE, 3)),
            "whose atoms are 3 wide, but the embeddings are 32 wide",
        ),
    ],
)
def test_what_is_no_autoencoder_of_this_space_is_refused(change, message, tmp_path):
    stored = prisma()
    change(stored)
    with pytest.raises(SpliceError, match=rf"^path is .*{message}"):
        built(stored, tmp_path)


def test_more_active_atoms_than_there_are_and_other_files_are_refused(tmp_path):
    with pytest.raises(SpliceError, match=r"^target_l0 is 13, but weights.safetensors has 12 atoms"):
        built(prisma(), tmp_path, target_l0=13)
    torch.save(torch.zeros(3), tmp_path / "tensor.pt")
    with pytest.raises(SpliceError, match="holds a Tensor, but must hold tensors by name"):
        PretrainedAutoencoder(str(tmp_path / "tensor.pt")).build(ingredients())
    with pytest.raises(SpliceError, match=r"^path is 'nowhere.pt', but there is no such file"):
        PretrainedAutoencoder("nowhere.pt")
