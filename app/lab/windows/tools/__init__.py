"""The command line tools that the lab's Windows hosts know, each with the real one's arguments and exit codes."""
