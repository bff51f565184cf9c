"""Floor 0: frozen values. Nouns import nothing from inside evalrun but their fellow nouns."""
