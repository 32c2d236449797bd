"""The lab's Windows hosts: WinRM on the wire, a command line that runs only what it knows, remote PowerShell."""
