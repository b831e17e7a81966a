"""What operators run and look at."""
