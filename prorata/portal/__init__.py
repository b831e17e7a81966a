"""Portal sessions: a customer's way to the pages of their own account, without a password of ours."""
