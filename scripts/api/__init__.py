"""What is made of the API for developers: its committed description, with examples of the real code."""
