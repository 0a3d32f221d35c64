"""Documentation and what generates it."""
