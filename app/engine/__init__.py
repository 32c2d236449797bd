"""Runs any runbook safely; knows nothing of View."""
