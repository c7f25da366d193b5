"""Which of SplitMixer's settings is best at the same number of parameters: is a cheaper setting worth a larger width?

The widths are found from the closed forms, so that every arm has about the parameters of setting I.

Run it: `mixnas ablate splitmixer_settings_equal_parameters --scale laptop`
(or `smoke`, seconds with the toy evaluator; or `paper`).
"""

from collections.abc import Mapping

from mixnas.ablation import AblationSpec, Factor, Scale
from mixnas.models.splitmixer_costs import params
from mixnas.recipe import RECIPES
from mixnas.records import Candidate, Problem, Value

CHOICES: dict[str, Candidate] = {
    "I": {"channel": "overlap", "channel.ratio": "2/3", "channel.mixes": "one"},
    "II": {"channel": "disjoint", "channel.segments": 2, "channel.mixes": "one"},
    "III": {"channel": "disjoint", "channel.segments": 2, "channel.mixes": "all", "channel.shared": True},
    "IV": {"channel": "disjoint", "channel.segments": 2, "channel.mixes": "all"},
    "V": {"channel": "overlap", "channel.ratio": "2/3", "channel.mixes": "all"},
    "ConvMixer": {"spatial": "depthwise", "channel": "dense"},
}

SMALL: dict[str, Value] = {"width": 48, "depth": 4, "patch_size": 4}
FULL: dict[str, Value] = {"width": 256, "depth": 8, "patch_size": 2}


def settings(sizes: Mapping[str, Value], problem: Problem) -> Factor:
    """Every setting with the even width that comes closest to the parameters of setting I with these sizes."""
    wanted = params({**sizes, **CHOICES["I"]}, problem)
    levels: dict[str, dict[str, Value]] = {}
    for name, choices in CHOICES.items():
        arms = [{**choices, "width": width} for width in range(8, 513, 2)]
        levels[name] = min(arms, key=lambda arm: abs(params({**sizes, **arm}, problem) - wanted))
    return Factor("setting", levels)


MNIST, CIFAR10 = Problem.square(28, in_channels=1), Problem()

study = AblationSpec(
    question="Which of the settings is best at the same number of parameters?",
    expectation=(
        "The published tables compare at equal width only. If a setting earns its savings, it beats ConvMixer when the "
        "parameters that it saves are spent on width."
    ),
    source="arXiv:2207.10255 claims competitive accuracy with about half of ConvMixer's parameters (abstract)",
    result=(
        "Not distinguishable at this scale. With the saved parameters spent on width neither ConvMixer nor any "
        "other setting can be told from setting I; II and IV come out lowest, V and ConvMixer highest, all within"
        " noise."
    ),
    measured=(
        "mnist5k, 4 epochs, seeds 0 to 4; standard deviation of acc over seeds 0.0036 to 0.0075 by arm; "
        "mixnas 0.1.0, torch 2.15.0, numpy 2.4.6, Python 3.11.7, CPU AMD EPYC"
    ),
    space="splitmixer_ablation",
    base="splitmixer-I-256/8",
    vary=(settings(FULL, CIFAR10),),
    design="oat",
    scales={
        "smoke": Scale("mnist5k", epochs=2, seeds=2, changes=SMALL, vary=(settings(SMALL, MNIST),), evaluator="toy"),
        "laptop": Scale("mnist5k", epochs=4, changes=SMALL, vary=(settings(SMALL, MNIST),)),
        "paper": Scale("cifar10", epochs=100, seeds=3, recipe=RECIPES["splitmixer"]),
    },
)
