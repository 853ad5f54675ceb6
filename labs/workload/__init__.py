"""Clients that send and read numbered records and write down what happened to each."""

from labs.workload.history import Payload
from labs.workload.load import Load, undisturbed
from labs.workload.reading import read_back
from labs.workload.records import flight_payload, number_of

__all__ = ["Load", "Payload", "flight_payload", "number_of", "read_back", "undisturbed"]
