"""The benchmark's claim once without a table: real trainings, wall-clock time."""
