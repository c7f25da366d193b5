"""How much must the two segments of SplitMixer-I overlap?

Run it: `mixnas ablate splitmixer_overlap_ratio --scale laptop`
(or `smoke`, seconds with the toy evaluator; or `paper`).
"""

from mixnas.ablation import AblationSpec, Scale
from mixnas.recipe import RECIPES
from mixnas.records import Candidate

SMALL: Candidate = {"width": 64, "depth": 4, "patch_size": 4}

study = AblationSpec(
    question="How much must the two overlapping segments of SplitMixer-I share?",
    expectation=(
        "The more they overlap the more parameters a block has, and the more accurate it is; a ratio of 2/3 is "
        "the paper's choice."
    ),
    source=(
        "arXiv:2207.10255, setting I; the ratios are those of the authors' throughput script; the authors' "
        "accuracies could not be read"
    ),
    result=(
        "Not distinguishable at this scale. The direction is the expected one: two thirds, the largest overlap, "
        "is the most accurate, and every smaller one loses a little, within noise."
    ),
    measured=(
        "mnist5k, 4 epochs, seeds 0 to 4; standard deviation of acc over seeds 0.0011 to 0.0053 by arm; "
        "mixnas 0.1.0, torch 2.15.0, numpy 2.4.6, Python 3.11.7, CPU AMD EPYC"
    ),
    base="splitmixer-I-256/8",
    vary=("channel.ratio=2/3,3/5,4/7,5/9,6/11",),
    design="oat",
    scales={
        "smoke": Scale("mnist5k", epochs=2, seeds=2, changes=SMALL, evaluator="toy"),
        "laptop": Scale("mnist5k", epochs=4, changes=SMALL),
        "paper": Scale("cifar10", epochs=100, seeds=3, recipe=RECIPES["splitmixer"]),
    },
)
