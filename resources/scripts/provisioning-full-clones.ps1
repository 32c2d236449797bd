# Switches making new desktops on or off.
Add-PSSnapin -Name 'VMware.View.Broker'
Update-AutomaticPool -pool_id {pool_id} -isProvisioningEnabled {on}
