"""The check functions that rules name."""
