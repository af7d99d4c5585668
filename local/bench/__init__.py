"""Benchmarks: figures and ratios taken side by side in one run. `make bench`."""
