"""Which wavelet should WaveMix transform by?

Run it: `mixnas ablate wavemix_wavelet --scale laptop` (or `smoke`, seconds with the toy evaluator; or `paper`).
"""

from mixnas.ablation import AblationSpec, Scale
from mixnas.recipe import RECIPES
from mixnas.records import Candidate

SMALL: Candidate = {"width": 16, "depth": 2, "dropout": 0.0, "stem": "patchify", "stem.patch_size": 2}

study = AblationSpec(
    question="Which wavelet should the blocks transform by?",
    expectation=(
        "Haar, the shortest, is the papers' choice: longer filters see more of the padding and cost more; no "
        "comparison of the authors was found."
    ),
    source="arXiv:2205.14375 uses Haar throughout; its tables could not be read",
    base="wavemix-lite-144/7",
    vary=("wavelet=haar,db2,bior2.2,db4",),
    design="oat",
    scales={
        "smoke": Scale("mnist5k", epochs=2, seeds=2, changes=SMALL, evaluator="toy"),
        "laptop": Scale("mnist5k", epochs=4, changes=SMALL),
        "paper": Scale("cifar10", epochs=100, seeds=3, recipe=RECIPES["wavemix"]),
    },
)
