"""Measurements of wattrig itself."""
