"""A real Kafka cluster you can break, in a notebook.

>>> import labs
>>> cluster = labs.connect()   # starts the cluster, or adopts the one that runs
>>> cluster.kill(1)
"""

from labs.kafka.choose import connect
from labs.notebook import cells, quiet

__all__ = ["connect"]

cells.register()
quiet.register()
