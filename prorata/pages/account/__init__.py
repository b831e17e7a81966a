"""A customer's own account: what they can buy, what they hold, what they pay."""
