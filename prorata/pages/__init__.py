"""The pages: a customer's account at /account, and the console at /console, beside the HTTP API.

    app = Site(application(desk, keyring), pages_application(desk, keyring))

A page is a row of a table (`page.Page`): who may see it, what answers it. It decides no rule and reads no
table: it asks the functions that the API's routes ask, and a template shows what they answer. What every page
needs is made in one place each: sessions and forms in `gate`, marks against forgery in `marks`, the headers
that keep strangers out in `headers`, templates in `rendering`, files with their digests in `assets`.
"""
