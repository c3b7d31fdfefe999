"""open_clip without what it imports for few of its models: that is imported when one of them is built.

    from splice_exp.core.packages.clip import open_clip

open_clip imports timm (towers of other architectures), and torchvision the compiler of torch (for detection). Neither
is used by the towers of CLIP, and together they are half of the seconds that `import open_clip` takes.
"""

from splice_exp.core.packages.later import COMPILER, put_off

PUT_OFF = ("timm", "timm.layers", *COMPILER)

with put_off(*PUT_OFF):
    import open_clip
    from open_clip import transformer

__all__ = ["open_clip", "transformer"]
