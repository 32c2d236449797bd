# Switches making new desktops on or off.
Add-PSSnapin -Name 'VMware.View.Broker'
Update-AutomaticLinkedClonePool -pool_id {pool_id} -isProvisioningEnabled {on}
