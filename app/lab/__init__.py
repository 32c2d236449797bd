"""The practice environment: one world, and one server per protocol. Imported by nothing but its own start."""
