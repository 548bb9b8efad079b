"""Topics of which a message may have several: learnt one by one, calibrated, and compared with a plain baseline."""
