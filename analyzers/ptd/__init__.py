"""The PTDaemon line protocol: our daemon and the client that the director uses."""
