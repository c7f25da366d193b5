"""Ablation as a designed experiment: which choice of a model earns its cost, with seeds and intervals."""

from mixnas.ablation.spec import AblationSpec, Factor, Scale, load_ablation

__all__ = ["AblationSpec", "Factor", "Scale", "load_ablation"]
