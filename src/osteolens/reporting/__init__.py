"""Documents rendered from result files."""
