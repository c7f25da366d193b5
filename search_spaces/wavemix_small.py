"""The part of WaveMix-Lite's space that the table `wavemix-digits` covers: each candidate trained, with two seeds."""

from mixnas.space import SearchSpace, choice, integer, option

space = SearchSpace(
    "wavemix_small",
    family="wavemix_lite",
    source="arXiv:2205.14375",
    summary="216 small WaveMix-Lites, all of which the table wavemix-digits knows",
    width=choice(8, 16, 32),
    depth=choice(1, 2, 4),
    levels=integer(1, 2),
    mult=integer(1, 2),
    stem=choice(option("strided", stride=choice(1)), option("patchify", patch_size=choice(2))),
    upsample=choice(option("deconv", ff_ratio=choice("1/2", "1")), option("interpolate")),
)
