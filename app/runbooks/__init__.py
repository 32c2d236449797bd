"""The white paper as runbooks, to be read beside it."""
