"""From a predictions table to figures with intervals. Never imports torch."""
