"""What the numbers are: energy in a window and the metric of each scenario."""
