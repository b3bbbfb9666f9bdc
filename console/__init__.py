"""What a person sees: the `wattrig` command."""
