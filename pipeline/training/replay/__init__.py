"""An export through the champion and a challenger before one replaces the other: what would change, and for whom."""
