"""Who may do what: API keys, users of the console, their logins and the tokens of its forms."""
