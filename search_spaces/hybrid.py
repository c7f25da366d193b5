"""SplitMixer and WaveMix crossed: how blocks mix positions and how they mix channels, for all or by their place.

Each of the two choices may change once on the way through the network, after a quarter, a half or three quarters of the
blocks: wavelets first and convolutions later, for example. Models of both papers are corner points.
"""

from mixnas.space import Axis, Rule, SearchSpace, choice, flag, forbid, integer, merge, option

wavelet: dict[str, Axis] = {
    "levels": integer(1, 4),
    "wavelet": choice("haar", "db2"),
    "upsample": choice("deconv", "interpolate"),
}
split: dict[str, Axis] = {"kernel_size": choice(3, 5, 7), "spatial": choice("separable", "depthwise")}

segments_of_a_block: dict[str, Axis] = {"mixes": choice("one", "all"), "shared": flag()}
segments: dict[str, Axis] = {
    "split": choice(
        option("dense"),
        option("overlap", ratio=choice("2/3", "3/5"), **segments_of_a_block),
        option("disjoint", segments=choice(2, 4), **segments_of_a_block),
    )
}
feedforward: dict[str, Axis] = {"mult": integer(1, 3), "dropout": choice(0.0, 0.25, 0.5)}
change: dict[str, Axis] = {"early": choice("1/4", "1/2", "3/4")}

HALVED = "(2 if token.levels == 1 else 4 if token.levels == 2 else 8 if token.levels == 3 else 16)"
"""How many times smaller the deepest level is."""


def rules_of_the_grid(grid: str) -> list[Rule]:
    """Rules about what the stem makes of an image; they say nothing where the stem is another one."""
    return [
        forbid(f"{grid} < 2", because="fewer than 2x2 positions leave nothing to mix"),
        forbid(
            f"token.levels >= 1 and 2 * ({grid}) <= {HALVED}",
            because="each level halves the sides, and a level of one pixel has nothing to transform",
        ),
        forbid(
            f"token.wavelet == 'db2' and {grid} < 3 * {HALVED}",
            because="at the deepest level the filters would be longer than the image and see mostly padding",
        ),
        forbid(
            f"token.kernel_size > 2 * ({grid}) - 1",
            because="the outer taps would never see anything but padding",
        ),
        forbid(f"{grid} > 64", because="blocks on more than 64x64 positions take hours a trial; use a coarser stem"),
    ]


def rules_of_change(axis: str) -> list[Rule]:
    """Rules about where a choice changes."""
    return [
        forbid(f"depth * {axis}.early < 1", because="a choice that changes needs a block before the change"),
        merge(
            f"{axis}.early",
            by=f"depth * {axis}.early // 1",
            because="shares that come to the same number of blocks are the same network",
        ),
    ]


space = SearchSpace(
    "hybrid",
    family="hybrid",
    source="arXiv:2205.14375, arXiv:2207.10255",
    summary="Wavelet or split token mixing with segments or feed-forward, for all blocks or by their place",
    width=choice(8, 16, 32, 48, 64, 96, 112, 128, 144, 192, 256, 320),
    depth=choice(2, 3, 4, 5, 6, 7, 8, 10, 12, 16),
    stem=choice(
        option("patches", patch_size=choice(1, 2, 4, 7)),
        option("strided", stride=choice(1, 2)),
        option("patchify", patch_size=choice(2, 4, 8)),
    ),
    token=choice(
        option("wavelet", **wavelet),
        option("split", **split),
        option("wavelet_then_split", **change, **wavelet, **split),
        option("split_then_wavelet", **change, **wavelet, **split),
    ),
    channel=choice(
        option("segments", **segments),
        option("feedforward", **feedforward),
        option("segments_then_feedforward", **change, **segments, **feedforward),
        option("feedforward_then_segments", **change, **segments, **feedforward),
    ),
    rules=[
        *rules_of_the_grid("(image_size + stem.stride ** 2 - 1) // stem.stride ** 2"),
        *rules_of_the_grid("image_size // stem.patch_size"),
        *rules_of_change("token"),
        *rules_of_change("channel"),
        forbid("task != 'classification' and stem.patch_size == 7", because="a dense head can only double sides"),
        merge(
            "channel.split.shared",
            by="channel.split.mixes == 'all' and channel.split.shared",
            because="a block that mixes one segment has one weight, shared or not",
        ),
        forbid(
            "width * depth > 4 * image_size * image_size",
            because="a network far larger than its images turns seconds a trial into minutes",
        ),
    ],
)
