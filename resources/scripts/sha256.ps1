# Hashed where the file lies.
Get-FileSha256 -Path {path}
