"""Who may do what: API keys, users of the console and their logins."""
