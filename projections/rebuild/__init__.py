"""Make a read model anew from the log alone, beside the live one; compare the two and swap them."""
