"""Pictures of every page of the wizard: one module for each walk."""
