"""How wide must WaveMix's feed-forward be: its hidden channels (mult), and what its transposed convolution reads?

Run it: `mixnas ablate wavemix_feedforward --scale laptop` (or `smoke`, seconds with the toy evaluator; or `paper`).
"""

from mixnas.ablation import AblationSpec, Scale
from mixnas.recipe import RECIPES
from mixnas.records import Candidate

SMALL: Candidate = {"width": 16, "depth": 2, "dropout": 0.0, "stem": "patchify", "stem.patch_size": 4}

study = AblationSpec(
    question="How wide must the feed-forward be: its hidden channels, and what the transposed convolution reads?",
    expectation=(
        "mult 2 and as many channels as the block throughout the published members; the superseded 32/4 had mult "
        "1 and half of the channels."
    ),
    source="arXiv:2205.14375, configurations in the authors' repository; its tables could not be read",
    result=(
        "Not distinguishable at this scale. Neither fewer nor more hidden channels, nor half or twice the channels "
        "that the transposed convolution reads, can be told from the published choice; half of them save a third of "
        "the parameters."
    ),
    measured=(
        "mnist5k, 4 epochs, seeds 0 to 4; standard deviation of acc over seeds 0.0023 to 0.0123 by arm; "
        "mixnas 0.1.0, torch 2.14.1, numpy 2.4.6, Python 3.11.7, CPU AMD EPYC"
    ),
    base="wavemix-lite-144/7",
    vary=(
        "mult=2,1,3,4",
        "upsample.ff_ratio=1,1/2,2",
    ),
    design="oat",
    scales={
        "smoke": Scale("mnist5k", epochs=2, seeds=2, changes=SMALL, evaluator="toy"),
        "laptop": Scale("mnist5k", epochs=4, changes=SMALL),
        "paper": Scale("cifar10", epochs=100, seeds=3, recipe=RECIPES["wavemix"]),
    },
)
