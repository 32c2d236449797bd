# Fixed disks.
Get-WmiObject -Class 'Win32_LogicalDisk' -Filter 'DriveType=3' | Select-Object -Property 'DeviceID','FreeSpace','Size'
