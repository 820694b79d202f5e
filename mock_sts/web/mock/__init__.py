"""What is ours, below /mock/."""
