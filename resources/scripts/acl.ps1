# Who may do what. Get-Acl has no -LiteralPath before PowerShell 3.
Get-Acl -Path {path} | Select-Object -ExpandProperty 'Access' | Select-Object -Property 'IdentityReference','FileSystemRights','AccessControlType','IsInherited'
