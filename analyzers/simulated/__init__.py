"""Instruments simulated behind real ports."""
