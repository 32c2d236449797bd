# See envelope.ps1.
Write-FilePart -Path {path} -Offset {offset}
