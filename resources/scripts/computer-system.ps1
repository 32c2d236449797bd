# What the machine is called, and in which domain.
Get-WmiObject -Class 'Win32_ComputerSystem' | Select-Object -Property 'Name','Domain','PartOfDomain','TotalPhysicalMemory'
