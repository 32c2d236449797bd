"""A vCenter on the wire, served with pyVmomi's own types over the world's rows."""
