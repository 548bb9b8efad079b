"""Models by version in MLflow: which one is champion, since when, by whom and why; and the gates before it changes."""
