"""The records of the model families, one file each. Nothing here imports torch: models are built when asked for."""
