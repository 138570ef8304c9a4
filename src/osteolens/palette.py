"""One palette for every figure: Okabe and Ito (2008), told apart by colour-blind readers."""

from __future__ import annotations

BLUE = "#0072B2"
ORANGE = "#E69F00"
VERMILION = "#D55E00"
GREEN = "#009E73"
PURPLE = "#CC79A7"
SKY = "#56B4E9"
BLACK = "#000000"

PALETTE = (BLUE, ORANGE, VERMILION, GREEN, PURPLE, SKY, BLACK)
