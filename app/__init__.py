"""ViewKeeper: everything but the screen. Imports no Qt."""

__version__ = "0.1.0"
