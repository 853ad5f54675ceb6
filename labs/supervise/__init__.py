"""Run other people's servers and clean up after them: homes, ports, leases, downloads, engines."""
