"""Tests speak to clusters of their own, wherever the one who runs them has his."""

import os

for _variable in ("LABS_CLUSTER", "LABS_BOOTSTRAP", "LABS_CLIENT_PROPERTIES", "LABS_PREFIX"):
    os.environ.pop(_variable, None)
