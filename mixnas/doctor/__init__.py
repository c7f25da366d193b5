"""Examines an installation: what is there, what works, and how what does not is mended. Changes nothing."""

from mixnas.doctor.check import Check
from mixnas.doctor.examine import examine

__all__ = ["Check", "examine"]
