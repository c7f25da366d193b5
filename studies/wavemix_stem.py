"""Which stem should WaveMix have: two convolutions with or without strides, or patches?

Run it: `mixnas ablate wavemix_stem --scale laptop` (or `smoke`, seconds with the toy evaluator; or `paper`).
"""

from mixnas.ablation import AblationSpec, Factor, Scale
from mixnas.recipe import RECIPES
from mixnas.records import Candidate

STEM = Factor(
    "stem",
    {
        "stride 1": {"stem": "strided", "stem.stride": 1},
        "stride 2": {"stem": "strided", "stem.stride": 2},
        "patches of 2": {"stem": "patchify", "stem.patch_size": 2},
        "patches of 4": {"stem": "patchify", "stem.patch_size": 4},
    },
)

SMALL: Candidate = {"width": 16, "depth": 2, "dropout": 0.0, "stem": "strided", "stem.stride": 2}

study = AblationSpec(
    question="Which stem should it have: two convolutions with or without strides, or patches?",
    expectation=(
        "Stride 1 for small images and patches of 4 for large ones in the published members: a finer grid is more"
        " accurate and costs multiply-accumulates."
    ),
    source="arXiv:2205.14375, configurations in the authors' repository; its tables could not be read",
    base="wavemix-lite-144/7",
    vary=(STEM,),
    design="oat",
    scales={
        "smoke": Scale("mnist5k", epochs=2, seeds=2, changes=SMALL, evaluator="toy"),
        "laptop": Scale("mnist5k", epochs=4, changes=SMALL),
        "paper": Scale("cifar10", epochs=100, seeds=3, recipe=RECIPES["wavemix"]),
    },
)
