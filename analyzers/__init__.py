"""How power is read: transports, drivers, simulated instruments and the daemon `wattrig-ptd`."""
