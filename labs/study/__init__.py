"""What a learner does between the lines: predictions, quizzes, and JupyterLab itself."""
