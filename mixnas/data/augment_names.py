"""Names of augmentations, so that a study can be checked without loading what carries them out."""

from __future__ import annotations

from mixnas.errors import UnknownName, UsageError
from mixnas.records import Task

NAMES = ("flip", "shift", "randaugment", "trivialaugment")

BOTH = ("flip",)
"""What can be done to an image and to a target that is an image, too: nothing comes in from outside, and what is drawn
depends on the number of images alone."""


def augment_names(text: str, task: Task = "classification") -> tuple[str, ...]:
    """The names joined by '+' in a text, in their order; none for `none`.

    Raises:
        UnknownName: a name is in no table.
        UsageError: one cannot be done to the targets of the task.
    """
    if text.strip() in ("", "none"):
        return ()
    names = tuple(map(str.strip, text.split("+")))
    for name in names:
        if name not in NAMES:
            raise UnknownName("augmentation", name, ["none", *NAMES])
    for name in names:
        if task != "classification" and name not in BOTH:
            raise UsageError(
                f"augmentation {name!r} changes images and not their targets, so {task} cannot use it",
                hint=f"that can be used: none, {', '.join(BOTH)}; the recipe 'small' takes what suits the data set",
            )
    return names
