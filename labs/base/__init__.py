"""What everybody may use and what knows nothing of Kafka: errors, progress, clock, the flights."""
