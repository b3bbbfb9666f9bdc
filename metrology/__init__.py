"""What a reading means: validity, ranges, accuracy, uncertainty, clock offset. Pure functions, no input or output."""
