"""``python -m osteolens`` is the command ``osteolens``."""

from osteolens.interfaces.cli import main

main()
