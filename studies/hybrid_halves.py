"""Which half of the mix brings what: tokens by wavelets or convolutions, channels by segments or feed-forward?

Two of the four corners are SplitMixer's and WaveMix's blocks; the stem, width and depth are the same for all.

Run it: `mixnas ablate hybrid_halves --scale laptop` (or `smoke`, seconds with the toy evaluator; or `paper`).
"""

from mixnas.ablation import AblationSpec, Factor, Scale
from mixnas.recipe import RECIPES
from mixnas.records import Value

WAVELET: dict[str, Value] = {
    "token": "wavelet",
    "token.levels": 1,
    "token.wavelet": "haar",
    "token.upsample": "deconv",
}
FEEDFORWARD: dict[str, Value] = {"channel": "feedforward", "channel.mult": 2, "channel.dropout": 0.0}

TOKEN = Factor("token mixing", {"split": {"token": "split"}, "wavelet": WAVELET})
CHANNEL = Factor("channel mixing", {"segments": {"channel": "segments"}, "feed-forward": FEEDFORWARD})

BASE: dict[str, Value] = {
    "width": 144,
    "depth": 8,
    "stem": "patches",
    "stem.patch_size": 2,
    "token": "split",
    "token.kernel_size": 5,
    "token.spatial": "separable",
    "channel": "segments",
    "channel.split": "overlap",
    "channel.split.ratio": "2/3",
    "channel.split.mixes": "one",
    "channel.split.shared": False,
}
SMALL: dict[str, Value] = {"width": 16, "depth": 4, "stem.patch_size": 4}

study = AblationSpec(
    question="Which half of the mix brings what: how positions are mixed, or how channels are?",
    expectation=(
        "Of the crossed blocks nothing was found. By the two papers, wavelets reach further at few "
        "multiply-accumulates, and the feed-forward is where the parameters go."
    ),
    source="arXiv:2207.10255 and arXiv:2205.14375; the crossed corners are this project's own",
    result=(
        "No direction was expected. On the coarse grid of this scale convolutions are more accurate than one "
        "level of wavelets, and the feed-forward is more accurate than segments, for many more parameters; both "
        "are told from noise, an interaction of the two is not."
    ),
    measured=(
        "mnist5k, 4 epochs, seeds 0 to 4; standard deviation of acc over seeds 0.0020 to 0.0101 by arm; "
        "mixnas 0.1.0, torch 2.15.0, numpy 2.4.6, Python 3.11.7, CPU AMD EPYC"
    ),
    space="hybrid",
    base=BASE,
    vary=(TOKEN, CHANNEL),
    design="factorial",
    scales={
        "smoke": Scale("mnist5k", epochs=2, seeds=2, changes=SMALL, evaluator="toy"),
        "laptop": Scale("mnist5k", epochs=4, changes=SMALL),
        "paper": Scale("cifar10", epochs=100, seeds=3, recipe=RECIPES["splitmixer"]),
    },
)
