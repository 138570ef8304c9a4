"""The verbs of the command line, by what they work on. Each parses, calls one function elsewhere, and answers."""
