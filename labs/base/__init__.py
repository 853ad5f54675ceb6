"""What every room may use, and what does not depend on Kafka: errors, progress, clock, flights."""
