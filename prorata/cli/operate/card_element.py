"""`prorata card-element`: the test gateway's card element, to try the pages out."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter, validators


def card_element(
    *,
    pages: Annotated[str, Parameter(help="The origin of the pages that may show it, and get its tokens.")],
    host: Annotated[str, Parameter(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[
        int, Parameter(help="Port to listen at.", validator=validators.Number(gte=1, lte=65535))
    ] = 8081,
) -> int:
    """Serve the field that asks for a card's security code, in the place of a payment provider's. It takes
    the digits, and gives the pages a token of the test gateway: name it in PRORATA_CARD_ELEMENT. Not for real
    cards.
    """
    from prorata.card_element.serving import serve
    from prorata.settings import Settings

    settings = Settings.of()
    books = settings.test_gateway_url or settings.database_url
    serve(
        books,
        pages,
        host,
        port,
        lambda: print(f"serving the card element at http://{host}:{port}", flush=True),
    )
    return 0
