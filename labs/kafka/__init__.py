"""The cluster: start, adopt, break and stop it; its settings, readiness, admin API and security."""
