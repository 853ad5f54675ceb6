"""What a learner has done, in a file of their own; nothing of it leaves the machine."""
