# One file or folder.
Get-Item -LiteralPath {path} | Select-Object -Property 'FullName','Length','LastWriteTimeUtc','PSIsContainer'
