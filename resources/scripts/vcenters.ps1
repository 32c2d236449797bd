# The vCenters that View uses.
Add-PSSnapin -Name 'VMware.View.Broker'
Get-ViewVC | Select-Object -Property 'vc_id','serverName','port','username','useComposer'
