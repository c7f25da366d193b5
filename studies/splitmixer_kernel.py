"""How large must SplitMixer's one-dimensional kernels be?

Run it: `mixnas ablate splitmixer_kernel --scale laptop` (or `smoke`, seconds with the toy evaluator; or `paper`).
"""

from mixnas.ablation import AblationSpec, Scale
from mixnas.recipe import RECIPES
from mixnas.records import Candidate

SMALL: Candidate = {"width": 32, "depth": 4, "patch_size": 4}

study = AblationSpec(
    question="How large must the one-dimensional kernels be?",
    expectation=(
        "Larger kernels cost few parameters when they are one-dimensional, and see further: accuracy rises, then "
        "levels off. The paper takes 5 for CIFAR and 7 for larger images."
    ),
    source=(
        "arXiv:2207.10255, kernel 5 for CIFAR and 7 for Flowers102 and Food101 in its tables; the authors' "
        "accuracies could not be read"
    ),
    base="splitmixer-I-256/8",
    vary=("kernel_size=3,5,7,9",),
    design="oat",
    scales={
        "smoke": Scale("mnist5k", epochs=2, seeds=2, changes=SMALL, evaluator="toy"),
        "laptop": Scale("mnist5k", epochs=4, changes=SMALL),
        "paper": Scale("cifar10", epochs=100, seeds=3, recipe=RECIPES["splitmixer"]),
    },
)
