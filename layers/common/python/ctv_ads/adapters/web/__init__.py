"""What strangers on the internet answer."""
