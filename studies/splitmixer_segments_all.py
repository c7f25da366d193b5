"""How many segments may the channels be cut into when a block mixes all of them (SplitMixer-IV)?

Run it: `mixnas ablate splitmixer_segments_all --scale laptop` (or `smoke`, seconds with the toy evaluator; or `paper`).
"""

from mixnas.ablation import AblationSpec, Scale
from mixnas.recipe import RECIPES
from mixnas.records import Candidate

SMALL: Candidate = {"width": 48, "depth": 4, "patch_size": 4}

study = AblationSpec(
    question="How many segments may the channels be cut into when each block mixes all of them, with a weight each?",
    expectation=(
        "More segments save parameters and cost accuracy, since no block carries anything from one segment to another."
    ),
    source=(
        "arXiv:2207.10255, setting IV; 2 to 5 segments as in the authors' throughput script; the authors' "
        "accuracies could not be read"
    ),
    base="splitmixer-IV-256/8",
    vary=("channel.segments=2,3,4,5",),
    design="oat",
    scales={
        "smoke": Scale("mnist5k", epochs=2, seeds=2, changes=SMALL, evaluator="toy"),
        "laptop": Scale("mnist5k", epochs=4, changes=SMALL),
        "paper": Scale("cifar10", epochs=100, seeds=3, recipe=RECIPES["splitmixer"]),
    },
)
