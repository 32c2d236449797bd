# The time with its distance from UTC.
Get-WmiObject -Class 'Win32_OperatingSystem' | Select-Object -Property 'LocalDateTime'
