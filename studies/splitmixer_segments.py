"""How many segments may the channels be cut into when a block mixes one of them (SplitMixer-II)?

Run it: `mixnas ablate splitmixer_segments --scale laptop` (or `smoke`, seconds with the toy evaluator; or `paper`).
"""

from mixnas.ablation import AblationSpec, Scale
from mixnas.recipe import RECIPES
from mixnas.records import Candidate

SMALL: Candidate = {"width": 48, "depth": 6, "patch_size": 4}

study = AblationSpec(
    question="How many segments may the channels be cut into when each block mixes one of them?",
    expectation=(
        "More segments save parameters and cost accuracy, since a channel is mixed once in as many blocks as "
        "there are segments."
    ),
    source=(
        "arXiv:2207.10255, setting II; 2 to 6 segments as in the authors' throughput script; the authors' "
        "accuracies could not be read"
    ),
    result=(
        "Confirmed. Three to six segments are each less accurate than two, the more of them the less, and each further "
        "one saves less."
    ),
    measured=(
        "mnist5k, 4 epochs, seeds 0 to 4; standard deviation of acc over seeds 0.0059 to 0.0086 by arm; "
        "mixnas 0.1.0, torch 2.15.0, numpy 2.4.6, Python 3.11.7, CPU AMD EPYC"
    ),
    base="splitmixer-II-256/8",
    vary=("channel.segments=2,3,4,5,6",),
    design="oat",
    scales={
        "smoke": Scale("mnist5k", epochs=2, seeds=2, changes=SMALL, evaluator="toy"),
        "laptop": Scale("mnist5k", epochs=4, changes=SMALL),
        "paper": Scale("cifar10", epochs=100, seeds=3, recipe=RECIPES["splitmixer"]),
    },
)
