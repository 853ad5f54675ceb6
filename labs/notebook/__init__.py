"""What a learner touches: panels, the cockpit, quizzes and predictions."""
