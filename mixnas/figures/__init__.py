"""Figures: each file turns plain records into a small data object, and that into a Plotly figure.

Torch-free and SQL-free: what is drawn comes in as records.
"""
