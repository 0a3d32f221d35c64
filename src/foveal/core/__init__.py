"""Values and contracts every other room speaks in: numpy and the standard library only."""
