"""Is it the wavelets: what if WaveMix pools, or learns its filters, where it transforms?

Run it: `mixnas ablate wavemix_transform --scale laptop` (or `smoke`, seconds with the toy evaluator; or `paper`).
"""

from mixnas.ablation import AblationSpec, Scale
from mixnas.recipe import RECIPES
from mixnas.records import Candidate

SMALL: Candidate = {"width": 16, "depth": 2, "dropout": 0.0, "stem": "patchify", "stem.patch_size": 4}

study = AblationSpec(
    question="Is it the wavelets, or only the halved resolution that they come with?",
    expectation=(
        "The wavelet transform is the papers' point: average pooling, which drops the details, should lose "
        "accuracy; learned 2x2 filters, of which Haar is one choice, should come close at more parameters."
    ),
    source="arXiv:2205.14375 (title and abstract); its tables could not be read",
    result=(
        "Not distinguishable at this scale. The direction is the papers': the wavelets come out best, learned "
        "filters next and average pooling last, but after Holm's correction five seeds do not tell either from "
        "noise."
    ),
    measured=(
        "mnist5k, 4 epochs, seeds 0 to 4; standard deviation of acc over seeds 0.0025 to 0.0225 by arm; "
        "mixnas 0.1.0, torch 2.15.0, numpy 2.4.6, Python 3.11.7, CPU AMD EPYC"
    ),
    space="wavemix_ablation",
    changes={"transform": "dwt"},
    base="wavemix-lite-144/7",
    vary=("transform=dwt,average_pool,strided_conv",),
    design="oat",
    scales={
        "smoke": Scale("mnist5k", epochs=2, seeds=2, changes=SMALL, evaluator="toy"),
        "laptop": Scale("mnist5k", epochs=4, changes=SMALL),
        "paper": Scale("cifar10", epochs=100, seeds=3, recipe=RECIPES["wavemix"]),
    },
)
