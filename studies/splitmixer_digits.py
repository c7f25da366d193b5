"""The main job as a study file: `mixnas search splitmixer_digits` is `make search` with the flags written down.

Question: which SplitMixer variants of at most 30,000 parameters are worth their parameters and MACs on 8x8 digits?
"""

from mixnas.study import StudySpec

study = StudySpec(
    space="splitmixer",
    dataset="digits",
    objectives=("acc", "params", "macs"),
    constraints=("params <= 30k",),
    trials=40,
    sampler="tpe",
    seed=0,
)
