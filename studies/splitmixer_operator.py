"""Is a 3-D convolution over the channels (StrideMixer) better than 1x1 convolutions with a shared weight?

Run it: `mixnas ablate splitmixer_operator --scale laptop` (or `smoke`, seconds with the toy evaluator; or `paper`).
"""

from mixnas.ablation import AblationSpec, Factor, Scale
from mixnas.recipe import RECIPES
from mixnas.records import Candidate

SEGMENTS = Factor(
    "segments",
    {
        "disjoint": {"channel": "disjoint", "channel.segments": 2, "channel.mixes": "all", "channel.shared": True},
        "overlap": {"channel": "overlap", "channel.ratio": "2/3", "channel.mixes": "all", "channel.shared": True},
    },
)

SMALL: Candidate = {"width": 32, "depth": 4, "patch_size": 4}

study = AblationSpec(
    question="Is a 3-D convolution over the channels better than 1x1 convolutions with a shared weight?",
    expectation=(
        "For disjoint segments it is the same function up to the order of its output channels, which mixes the "
        "segments of the next block; for overlapping ones it has fewer weights."
    ),
    source="arXiv:2207.10255, StrideMixer, by its definition; no accuracy was found",
    base="splitmixer-III-256/8",
    vary=(
        SEGMENTS,
        "channel.operator=pointwise,conv3d",
    ),
    design="factorial",
    scales={
        "smoke": Scale("mnist5k", epochs=2, seeds=2, changes=SMALL, evaluator="toy"),
        "laptop": Scale("mnist5k", epochs=4, changes=SMALL),
        "paper": Scale("cifar10", epochs=100, seeds=3, recipe=RECIPES["splitmixer"]),
    },
)
