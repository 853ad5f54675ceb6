"""What an experiment is: settings, a run, a result, and the views that it shows."""
