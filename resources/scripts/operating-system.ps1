# What Windows it is.
Get-WmiObject -Class 'Win32_OperatingSystem' | Select-Object -Property 'Caption','Version','CSDVersion','LastBootUpTime','OSLanguage','WindowsDirectory'
