"""May all segments of a block share one weight: SplitMixer-III against IV, and the same for overlapping segments?

Run it: `mixnas ablate splitmixer_shared --scale laptop` (or `smoke`, seconds with the toy evaluator; or `paper`).
"""

from mixnas.ablation import AblationSpec, Factor, Scale
from mixnas.recipe import RECIPES
from mixnas.records import Candidate

SEGMENTS = Factor(
    "segments",
    {
        "disjoint": {"channel": "disjoint", "channel.segments": 2, "channel.mixes": "all"},
        "overlap": {"channel": "overlap", "channel.ratio": "2/3", "channel.mixes": "all"},
    },
)

SMALL: Candidate = {"width": 32, "depth": 4, "patch_size": 4}

study = AblationSpec(
    question="May all segments of a block share one weight?",
    expectation=(
        "Sharing costs accuracy and saves parameters: III 92.52 with 0.175M, IV 93.38 with 0.307M on CIFAR-10; no"
        " accuracy of setting V, shared or not, was found."
    ),
    source="arXiv:2207.10255; CIFAR-10 table in the README of the authors' repository (2022-07-20)",
    result=(
        "Not distinguishable at this scale. The direction is the paper's: a shared weight is a little less accurate "
        "with either kind of segments, within noise. Overlapping segments are more accurate than disjoint ones, beyond "
        "noise over the whole design."
    ),
    measured=(
        "mnist5k, 4 epochs, seeds 0 to 4; standard deviation of acc over seeds 0.0038 to 0.0069 by arm; "
        "mixnas 0.1.0, torch 2.14.1, numpy 2.4.6, Python 3.11.7, CPU AMD EPYC"
    ),
    base="splitmixer-IV-256/8",
    vary=(
        SEGMENTS,
        "channel.shared=false,true",
    ),
    design="factorial",
    scales={
        "smoke": Scale("mnist5k", epochs=2, seeds=2, changes=SMALL, evaluator="toy"),
        "laptop": Scale("mnist5k", epochs=4, changes=SMALL),
        "paper": Scale("cifar10", epochs=100, seeds=3, recipe=RECIPES["splitmixer"]),
    },
)
