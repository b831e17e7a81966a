"""The test gateway's card element: what a payment provider's own field is to a shop's page, to try Prorata
out.

It is served at an address of its own (`prorata card-element`), so that what is typed into it never comes to
the pages: they show its page in a frame, it takes the digits, and what it sends them is a single-use token.
It keeps nothing. There is no script in it: the code is sent to the element, which answers with a form that
holds the token.
"""
