# Returns when it has stopped. Fails where running services depend on it.
Stop-Service -Name {name}
