"""SplitMixer with any width, so that an ablation can compare its settings at equal parameters.

The axes and choices are those of the space `splitmixer`, without the limits that keep a search short.
"""

from mixnas.space import SearchSpace, choice, flag, forbid, integer, merge, option

space = SearchSpace(
    "splitmixer_ablation",
    family="splitmixer",
    source="arXiv:2207.10255",
    summary="SplitMixer, StrideMixer and ConvMixer of any width",
    width=integer(8, 512),
    depth=integer(1, 12),
    patch_size=choice(1, 2, 4, 7),
    kernel_size=choice(3, 5, 7, 9),
    activation=choice("gelu", "relu", "silu"),
    norm=choice("batch", "layer"),
    spatial=choice("separable", "depthwise"),
    channel=choice(
        option("dense"),
        option(
            "overlap",
            ratio=choice("2/3", "3/5", "4/7", "5/9", "6/11"),
            mixes=choice("one", "all"),
            shared=flag(),
            operator=choice("pointwise", "conv3d"),
        ),
        option(
            "disjoint",
            segments=choice(2, 3, 4, 5, 6, 8),
            mixes=choice("one", "all"),
            shared=flag(),
            operator=choice("pointwise", "conv3d"),
        ),
    ),
    rules=[
        forbid(
            "channel == 'disjoint' and channel.shared and width % channel.segments != 0",
            because="one weight for all segments needs segments of equal width",
        ),
        forbid(
            "channel.operator == 'conv3d' and not (channel.mixes == 'all' and channel.shared)",
            because="a 3-D convolution strides over all segments with one weight",
        ),
        forbid(
            "channel == 'overlap' and channel.operator == 'conv3d' and width % 2 != 0",
            because="its two positions fill the two halves of the channels",
        ),
        merge(
            "channel.shared",
            by="channel.mixes == 'all' and channel.shared",
            because="a block that mixes one segment has one weight, shared or not",
        ),
        merge(
            "channel.ratio",
            by="width * channel.ratio // 1",
            because="ratios that come to the same number of channels are the same network",
        ),
        forbid("patch_size * 2 > image_size", because="fewer than 2x2 patches leave nothing to mix"),
        forbid(
            "kernel_size > 2 * (image_size // patch_size) - 1",
            because="the outer taps would never see anything but padding",
        ),
    ],
)
