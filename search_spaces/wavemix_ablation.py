"""WaveMix-Lite with what an ablation puts in the place of its wavelets: average pooling, or learned filters.

The other axes are those of the space `wavemix_lite`; `mixnas.models.downsampling` explains the transforms.
"""

from mixnas.space import Rule, SearchSpace, choice, forbid, integer, option

REACH = "(7 if wavelet == 'db4' else 5 if wavelet == 'bior2.2' else 3 if wavelet == 'db2' else 1)"
"""How far the filters reach: one less than their taps."""

HALVED = "(2 if levels == 1 else 4 if levels == 2 else 8 if levels == 3 else 16)"
"""How many times smaller the deepest level is."""


def rules_of_the_grid(grid: str) -> list[Rule]:
    """Rules about what the stem makes of an image; they say nothing where the stem is another one."""
    return [
        forbid(
            f"2 * ({grid}) <= {HALVED}",
            because="each level halves the sides, and a level of one pixel has nothing to transform",
        ),
        forbid(
            f"wavelet != 'haar' and {grid} < {REACH} * {HALVED}",
            because="at the deepest level the filters would be longer than the image and see mostly padding",
        ),
        forbid(f"{grid} > 64", because="blocks on more than 64x64 positions take hours a trial; use a coarser stem"),
    ]


space = SearchSpace(
    "wavemix_ablation",
    family="wavemix_lite",
    source="arXiv:2205.14375",
    summary="WaveMix-Lite with average pooling or learned filters in place of the wavelets",
    width=choice(8, 16, 32, 48, 64, 96, 128, 144, 192, 256),
    depth=choice(1, 2, 3, 4, 6, 7, 8, 12, 16),
    levels=integer(1, 4),
    transform=choice("dwt", "average_pool", "strided_conv"),
    wavelet=choice("haar", "db2", "bior2.2", "db4"),
    mult=integer(1, 4),
    dropout=choice(0.0, 0.1, 0.25, 0.5),
    stem=choice(option("strided", stride=choice(1, 2)), option("patchify", patch_size=choice(2, 4, 8))),
    upsample=choice(option("deconv", ff_ratio=choice("1/4", "1/2", "1", "2")), option("interpolate")),
    rules=[
        forbid("transform != 'dwt' and wavelet != 'haar'", because="only the wavelet transform has a wavelet"),
        *rules_of_the_grid("(image_size + stem.stride ** 2 - 1) // stem.stride ** 2"),
        *rules_of_the_grid("image_size // stem.patch_size"),
    ],
)
