"""What any model must get right whatever it was trained on: our own messages in three languages and their dialects."""
