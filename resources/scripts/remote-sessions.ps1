# Sessions of a pool's users.
Add-PSSnapin -Name 'VMware.View.Broker'
Get-RemoteSession -pool_id {pool_id} | Select-Object -Property 'session_id','Username','pool_id','DNSName','state','startTime'
