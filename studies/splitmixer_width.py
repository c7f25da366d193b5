"""How does SplitMixer's accuracy grow with its width?

Run it: `mixnas ablate splitmixer_width --scale laptop` (or `smoke`, seconds with the toy evaluator; or `paper`).
"""

from mixnas.ablation import AblationSpec, Scale
from mixnas.recipe import RECIPES
from mixnas.records import Candidate

SMALL: Candidate = {"width": 32, "depth": 4, "patch_size": 4}

study = AblationSpec(
    question="How does accuracy grow with width?",
    expectation="Accuracy rises with width, and levels off; parameters grow with its square.",
    source="arXiv:2207.10255 (an ablation of its design; the authors' accuracies could not be read)",
    base="splitmixer-I-256/8",
    vary=("width=256,64,128,192",),
    design="oat",
    scales={
        "smoke": Scale("mnist5k", epochs=2, seeds=2, changes=SMALL, evaluator="toy", vary=("width=32,8,16,64",)),
        "laptop": Scale("mnist5k", epochs=4, changes=SMALL, vary=("width=32,8,16,64",)),
        "paper": Scale("cifar10", epochs=100, seeds=3, recipe=RECIPES["splitmixer"]),
    },
)
