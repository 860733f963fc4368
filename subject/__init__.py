"""What the course is about: what its steps set up and its checks look at, known to both."""
