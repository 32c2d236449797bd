# The services that depend on one.
Get-Service -Name {name} | Select-Object -ExpandProperty 'DependentServices' | Select-Object -Property 'Name','DisplayName','Status'
