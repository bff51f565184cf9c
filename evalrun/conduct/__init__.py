"""The verbs: only these modules know every room, and each is a few arrows between them."""
