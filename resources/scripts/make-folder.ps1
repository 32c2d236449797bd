# With the folders above it.
New-Item -ItemType 'Directory' -Path {path} | Select-Object -Property 'FullName'
