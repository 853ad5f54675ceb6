"""What the cluster and its logs look like from outside, now and over time."""
