"""A read model made anew from the log alone, beside the live one, compared and swapped."""
