"""A network path to PostgreSQL that can lose the answer to a request that was carried out."""

import socket
import socketserver
import threading
from select import select
from types import TracebackType
from typing import Self

from psycopg.conninfo import conninfo_to_dict, make_conninfo


class CutOff:
    """Forwards bytes in both directions; `url` leads through it to the database."""

    def __init__(self, database_url: str) -> None:
        given = conninfo_to_dict(database_url)
        server = (str(given["host"]), int(str(given["port"])))
        self.lost = 0
        self._marker: bytes | None = None
        network = self

        class Line(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with socket.create_connection(server) as far:
                    network._carry(self.request, far)

        self._proxy = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Line)
        self.url = make_conninfo(database_url, host="127.0.0.1", port=self._proxy.server_address[1])

    def lose_the_answer_to(self, marker: bytes) -> None:
        """Let the next request that contains `marker` through, and cut the connection instead of
        answering."""
        self._marker = marker

    def __enter__(self) -> Self:
        threading.Thread(target=self._proxy.serve_forever, kwargs={"poll_interval": 0.01}).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._proxy.shutdown()
        self._proxy.server_close()

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        doomed = False
        while True:
            for ready in select([client, server], [], [])[0]:
                data = ready.recv(65_536)
                if not data:
                    return
                if ready is server and doomed:
                    self.lost += 1
                    return
                if ready is client and self._marker is not None and self._marker in data:
                    self._marker, doomed = None, True
                (server if ready is client else client).sendall(data)
