# A folder and all that is in it.
Remove-Item -LiteralPath {path} -Recurse
