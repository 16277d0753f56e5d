"""What people's decisions say of the labels that nobody has looked at."""
