# What is in a folder.
Get-ChildItem -LiteralPath {path} | Select-Object -Property 'FullName','Length','LastWriteTimeUtc','PSIsContainer'
