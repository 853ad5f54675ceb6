"""`python -m labs` is the `labs` command."""

from labs.app.cli import main

main()
