# Every service.
Get-WmiObject -Class 'Win32_Service' | Select-Object -Property 'Name','DisplayName','State','StartMode','StartName','ProcessId'
