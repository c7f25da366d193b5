"""How does SplitMixer's accuracy grow with its depth?

Run it: `mixnas ablate splitmixer_depth --scale laptop` (or `smoke`, seconds with the toy evaluator; or `paper`).
"""

from mixnas.ablation import AblationSpec, Scale
from mixnas.recipe import RECIPES
from mixnas.records import Candidate

SMALL: Candidate = {"width": 32, "depth": 4, "patch_size": 4}

study = AblationSpec(
    question="How does accuracy grow with depth?",
    expectation="Accuracy rises with depth, and levels off; parameters grow with it.",
    source="arXiv:2207.10255 (an ablation of its design; the authors' accuracies could not be read)",
    base="splitmixer-I-256/8",
    vary=("depth=8,2,4,6,12",),
    design="oat",
    scales={
        "smoke": Scale("mnist5k", epochs=2, seeds=2, changes=SMALL, evaluator="toy", vary=("depth=4,2,6,8",)),
        "laptop": Scale("mnist5k", epochs=4, changes=SMALL, vary=("depth=4,2,6,8",)),
        "paper": Scale("cifar10", epochs=100, seeds=3, recipe=RECIPES["splitmixer"]),
    },
)
