"""The part of SplitMixer's space that the table `splitmixer-digits` covers: each candidate trained, with two seeds.

Small enough to be trained whole, wide enough to ask the paper's questions: the spatial trick, the channel trick, both.
"""

from mixnas.space import SearchSpace, choice, option

space = SearchSpace(
    "splitmixer_small",
    family="splitmixer",
    source="arXiv:2207.10255",
    summary="360 small SplitMixers, all of which the table splitmixer-digits knows",
    width=choice(8, 16, 32),
    depth=choice(2, 4, 6),
    patch_size=choice(1, 2),
    kernel_size=choice(3, 5),
    spatial=choice("separable", "depthwise"),
    channel=choice(
        option("dense"),
        option("overlap", ratio=choice("2/3"), mixes=choice("one", "all")),
        option("disjoint", segments=choice(2), mixes=choice("one", "all")),
    ),
)
