"""Figures, as ratios measured side by side in one run. Each module prints what it measured."""
