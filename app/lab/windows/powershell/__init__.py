"""Remote PowerShell as far as the shipped scripts need it: one envelope, pipelines of known cmdlets with literals."""
