# See envelope.ps1.
Read-FilePart -Path {path} -Offset {offset} -Count {count}
