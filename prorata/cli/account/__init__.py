"""Commands to an account, and what can be seen of one."""
