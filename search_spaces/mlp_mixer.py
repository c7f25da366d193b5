"""MLP-Mixer, the baseline of both papers, as a space: its size, its patches and the hidden sizes of its perceptrons."""

from mixnas.space import SearchSpace, choice, forbid, integer

space = SearchSpace(
    "mlp_mixer",
    family="mlp_mixer",
    source="arXiv:2105.01601",
    summary="Perceptrons across positions and across channels",
    width=choice(16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512),
    depth=integer(1, 12),
    patch_size=choice(1, 2, 4, 7, 8),
    token_ratio=choice("1/4", "1/2", "1", "2"),
    channel_ratio=choice("1", "2", "4"),
    rules=[
        forbid("patch_size * 2 > image_size", because="fewer than 2x2 patches leave nothing to mix"),
        forbid(
            "image_size // patch_size > 32",
            because="a perceptron across more than 32x32 positions has more weights than all the rest",
        ),
        forbid(
            "width * depth > 4 * image_size * image_size",
            because="a network far larger than its images turns seconds a trial into minutes",
        ),
    ],
)
