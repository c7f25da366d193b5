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
    result=(
        "Not distinguishable between kernels of 3, 5 and 7 at this scale; 9, wider than the grid of 7x7 positions, is "
        "less accurate than 5, beyond noise. That accuracy rises with the kernel is not seen."
    ),
    measured=(
        "mnist5k, 4 epochs, seeds 0 to 4; standard deviation of acc over seeds 0.0028 to 0.0050 by arm; "
        "mixnas 0.1.0, torch 2.14.1, numpy 2.4.6, Python 3.11.7, CPU AMD EPYC"
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
