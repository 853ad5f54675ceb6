"""What an exercise is, and how the live cluster judges what a learner has built."""
