"""Backup sets on disk: manifest, repository folder, verifying."""
