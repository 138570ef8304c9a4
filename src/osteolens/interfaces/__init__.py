"""The ways in: parse, call, answer."""
