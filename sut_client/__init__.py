"""Runs the workload on the measured machine, and says when."""
