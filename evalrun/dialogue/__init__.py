"""What a cell asks next: live turns and rounds of tools, decided from what was said so far."""
