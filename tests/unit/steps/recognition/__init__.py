"""What the course recognises in a submission."""
