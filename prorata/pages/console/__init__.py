"""The console: for staff, operators and finance, who must understand what happened and see what would.

Its modules come in pairs: what is shown is found here without a word of HTML, by the services and folds that
the API is made of; templates say how it looks. No rule and no SQL stands in either.
"""
