# Returns when it runs.
Start-Service -Name {name}
