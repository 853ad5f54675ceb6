"""The `labs` command, and JupyterLab beside a running cluster."""
