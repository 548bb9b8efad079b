"""`nabd retrain`: a company's own labelled export, checked, split, learnt from and compared with a plain baseline."""
