"""What View is, as plain data. Imports nothing of ours."""
