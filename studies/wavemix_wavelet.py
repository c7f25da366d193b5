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
    result=(
        "Contradicted for db4, the longest filter here, which is more accurate than Haar beyond noise, at the same "
        "parameters and for more multiply-accumulates; db2 and bior2.2 cannot be told from Haar."
    ),
    measured=(
        "mnist5k, 4 epochs, seeds 0 to 4; standard deviation of acc over seeds 0.0026 to 0.0074 by arm; "
        "mixnas 0.1.0, torch 2.14.1, numpy 2.4.6, Python 3.11.7, CPU AMD EPYC"
    ),
    base="wavemix-lite-144/7",
    vary=("wavelet=haar,db2,bior2.2,db4",),
    design="oat",
    scales={
        "smoke": Scale("mnist5k", epochs=2, seeds=2, changes=SMALL, evaluator="toy"),
        "laptop": Scale("mnist5k", epochs=4, changes=SMALL),
        "paper": Scale("cifar10", epochs=100, seeds=3, recipe=RECIPES["wavemix"]),
    },
)
