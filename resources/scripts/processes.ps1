# Without command lines: they may hold other programs' secrets.
Get-WmiObject -Class 'Win32_Process' | Select-Object -Property 'ProcessId','ParentProcessId','Name','CreationDate'
