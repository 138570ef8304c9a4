"""Class-activation maps, their agreement with annotations, and galleries."""
