# Also tells "nothing found" from "broken": a group has one broker at least.
Add-PSSnapin -Name 'VMware.View.Broker'
Get-ConnectionBroker | Select-Object -Property 'broker_id','type','externalURL','tags'
