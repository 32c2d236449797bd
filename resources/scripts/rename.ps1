# Replaces what is there.
Move-FileTo -Path {path} -Destination {to}
