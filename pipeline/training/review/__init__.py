"""Which messages to label next, and what so many labels buy."""
