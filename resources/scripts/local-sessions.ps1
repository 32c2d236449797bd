# Desktops of a pool that are checked out (Local Mode).
Add-PSSnapin -Name 'VMware.View.Broker'
Get-LocalSession -pool_id {pool_id} | Select-Object -Property 'session_id','Username','pool_id','DNSName','state','startTime'
