"""What a user asks for: teach, look, evaluate, forget."""
