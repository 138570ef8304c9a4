"""Whole runs: the stages joined end to end, repeated only where something changed."""
