"""Faults of others that we met: a program that shows each, beside a text for its authors.

They are no part of `make test`: they fail as long as the fault is there, and that is not ours.
"""
