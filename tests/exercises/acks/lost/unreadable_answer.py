"""Writes all numbers without a space between them."""

print("17" * 2500)
