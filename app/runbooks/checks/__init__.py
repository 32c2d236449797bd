"""What is looked at before a run: a module per side, and one table of what bad and unknown answers do."""
