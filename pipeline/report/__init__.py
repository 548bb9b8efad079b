"""One self-contained page on a scored file: volumes, moods, reasons, customers at risk, load, trust."""
