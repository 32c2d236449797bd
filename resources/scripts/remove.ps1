# A file, or an empty folder.
Remove-Item -LiteralPath {path}
