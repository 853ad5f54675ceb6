"""The servers that there are: each file here describes one, and calls it `SERVER`."""
