"""How well drift is noticed: measured on prepared rows, whose domain is known."""
