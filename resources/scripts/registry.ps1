# All values of a key.
Get-ItemProperty -LiteralPath {path}
