"""Lightning comes without the compiler of torch, which is there when something is compiled or trained."""

import ast

from splice_exp.core.packages.later import COMPILER
from tests.core.packages.scripts import run


def test_a_prediction_needs_no_compiler():
    script = """
import sys, torch
from splice_exp.core.packages.lightning import lightning
class Doubled(lightning.LightningModule):
    def predict_step(self, batch): return 2 * batch
at_once = torch.compiler.disable
trainer = lightning.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False)
found = trainer.predict(Doubled(), torch.utils.data.DataLoader(torch.arange(3)))
print([int(one) for one in found], torch.compiler.disable is at_once and at_once.__name__)
print(list(sys.modules))
"""
    said, modules = run(script).splitlines()
    assert said == "[0, 2, 4] disable"
    assert {"lightning.pytorch"} <= {*ast.literal_eval(modules)}
    assert not {*COMPILER, "torch._inductor", "sympy"} & {*ast.literal_eval(modules)}


def test_what_is_compiled_is_known_as_such_and_what_is_logged_is_not_compiled():
    script = """
import torch
from splice_exp.core.packages.lightning import lightning
from lightning.pytorch.utilities.compile import to_uncompiled
class Linear(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
    def training_step(self, batch):
        loss = self.layer(batch).square().mean()
        self.log("loss", loss)
        return loss
    def configure_optimizers(self): return torch.optim.SGD(self.parameters(), 0.1)
module = Linear()
compiled = torch.compile(module, backend="eager")
options = dict(accelerator="cpu", max_epochs=1, logger=False, enable_checkpointing=False, enable_progress_bar=False)
trainer = lightning.Trainer(**options, enable_model_summary=False)
trainer.fit(compiled, torch.utils.data.DataLoader(torch.ones(2, 1)))
print(to_uncompiled(compiled) is module, float(trainer.callback_metrics["loss"]) > 0)
"""
    assert run(script) == "True True\n"
