"""What a session leaves on disk, written and read back."""
