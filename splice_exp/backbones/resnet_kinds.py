"""Which residual networks there are. Imported without torch."""

ARCHITECTURES = ("resnet18", "resnet34", "resnet50", "resnet101")
STEMS = ("imagenet", "cifar")  # 7 × 7 with pooling; 3 × 3 without
