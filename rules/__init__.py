"""What makes a result valid: rule documents, round documents, and their loader."""
