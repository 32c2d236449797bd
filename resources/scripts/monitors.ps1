# What the brokers say of themselves; CBMonitor has the build.
Add-PSSnapin -Name 'VMware.View.Broker'
Get-Monitor | Select-Object -Property 'monitor','monitor_id','build'
