"""How much dropout does WaveMix's feed-forward need?

Run it: `mixnas ablate wavemix_dropout --scale laptop` (or `smoke`, seconds with the toy evaluator; or `paper`).
"""

from mixnas.ablation import AblationSpec, Scale
from mixnas.recipe import RECIPES
from mixnas.records import Candidate

SMALL: Candidate = {"width": 16, "depth": 2, "stem": "patchify", "stem.patch_size": 4}

study = AblationSpec(
    question="How much dropout does the feed-forward need?",
    expectation=(
        "0.5 in the published members, trained until the accuracy stops rising; a training of few epochs should "
        "want less."
    ),
    source="arXiv:2205.14375, configurations in the authors' repository; its tables could not be read",
    base="wavemix-lite-144/7",
    vary=("dropout=0.5,0.0,0.1,0.25",),
    design="oat",
    scales={
        "smoke": Scale("mnist5k", epochs=2, seeds=2, changes=SMALL, evaluator="toy"),
        "laptop": Scale("mnist5k", epochs=4, changes=SMALL),
        "paper": Scale("cifar10", epochs=100, seeds=3, recipe=RECIPES["wavemix"]),
    },
)
