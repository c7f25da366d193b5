"""How fine must SplitMixer's patches be?

Run it: `mixnas ablate splitmixer_patch --scale laptop` (or `smoke`, seconds with the toy evaluator; or `paper`).
"""

from mixnas.ablation import AblationSpec, Scale
from mixnas.recipe import RECIPES
from mixnas.records import Candidate

SMALL: Candidate = {"width": 16, "depth": 4, "patch_size": 2}

study = AblationSpec(
    question="How fine must the patches be?",
    expectation=(
        "Smaller patches keep more positions: more accurate, at multiply-accumulates that grow with their number,"
        " with fewer parameters in the stem."
    ),
    source=(
        "arXiv:2207.10255, patch 2 for CIFAR and 7 for 224x224 images in its tables; arXiv:2201.09792 for "
        "ConvMixer: 256/8 with patch 1, kernel 9 and 200 epochs reaches 96.03 (its table 4)"
    ),
    base="splitmixer-I-256/8",
    vary=("patch_size=2,1,4",),
    design="oat",
    scales={
        "smoke": Scale("mnist5k", epochs=2, seeds=2, changes=SMALL, vary=("patch_size=2,4,7",), evaluator="toy"),
        "laptop": Scale("mnist5k", epochs=4, changes=SMALL, vary=("patch_size=2,4,7",)),
        "paper": Scale("cifar10", epochs=100, seeds=3, recipe=RECIPES["splitmixer"]),
    },
)
