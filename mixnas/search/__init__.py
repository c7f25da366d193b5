"""The search: what proposes, what decides, what runs. Optuna is imported here and nowhere else; torch nowhere here."""
