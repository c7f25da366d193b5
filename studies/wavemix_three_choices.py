"""Do levels, upsampling and the width of the feed-forward add up, or hang on one another? A 2^3 factorial.

Run it: `mixnas ablate wavemix_three_choices --scale laptop` (or `smoke`, seconds with the toy evaluator; or `paper`).
"""

from mixnas.ablation import AblationSpec, Scale
from mixnas.recipe import RECIPES
from mixnas.records import Candidate

SMALL: Candidate = {"width": 16, "depth": 2, "dropout": 0.0, "stem": "patchify", "stem.patch_size": 4}

study = AblationSpec(
    question="Do levels, upsampling and the width of the feed-forward add up, or hang on one another?",
    expectation=(
        "Each is more accurate where it has more parameters (two levels, transposed convolution, mult 2); of "
        "interactions nothing was found."
    ),
    source="arXiv:2205.14375 by its published members; see wavemix_levels, wavemix_upsampling and wavemix_feedforward",
    base="wavemix-lite-144/7",
    vary=(
        "levels=1,2",
        "upsample=interpolate,deconv",
        "mult=1,2",
    ),
    design="factorial",
    scales={
        "smoke": Scale("mnist5k", epochs=2, seeds=2, changes=SMALL, evaluator="toy"),
        "laptop": Scale("mnist5k", epochs=4, changes=SMALL),
        "paper": Scale("cifar10", epochs=100, seeds=3, recipe=RECIPES["wavemix"]),
    },
)
