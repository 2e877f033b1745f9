"""A proxy before an HTTP server that behaves as bad networks and busy servers do."""

import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

Fault = Literal["none", "busy", "slow", "stalled", "cut", "lost", "late", "refused"]
"""busy: 503, not done. slow: done and answered after a while. stalled: done, half of the answer, then silence. cut:
done, half of the answer. lost: done, and the connection closed without an answer. late: the connection closed, and done
after a while all the same, be the client alive or not. refused: not done, and answered as `refusal` says.
"""

_BUSY = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_CHUNK = 1 << 16
_STALLED_S = 600.0
_LATE_S = 0.7


class Faulty:
    """Listens on `port`. `fault` says what becomes of the next request; each connection carries one."""

    def __init__(self, behind: int, late_s: float = _LATE_S) -> None:
        self.late_s = late_s
        self.refusal = b""
        self.hidden: tuple[bytes, ...] = (b"connection:", b"expect:")
        """How the header lines begin that the server behind does not see."""
        self.fault: Callable[[bytes], Fault] = lambda request: "none"
        self.faults = 0
        self._behind = behind
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._ended = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        self._ended.set()
        self._listener.close()

    def _listen(self) -> None:
        while not self._ended.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            with client:
                head, body = _request(client)
                if head:
                    self._answer(client, head, body)
        except OSError:
            return

    def _answer(self, client: socket.socket, head: bytes, body: bytes) -> None:
        fault = self.fault(head)
        self.faults += fault != "none"
        if fault == "busy":
            client.sendall(_BUSY)
            return
        if fault == "refused":
            client.sendall(self.refusal)
            return
        if fault == "late":
            client.close()
        if fault in ("late", "slow"):
            self._ended.wait(self.late_s)
        answer = self._asked(head, body)
        if fault in ("late", "lost"):
            return
        if fault in ("none", "slow"):
            client.sendall(answer)
        else:
            client.sendall(answer[: len(answer) // 2])
            if fault == "stalled":
                self._ended.wait(_STALLED_S)

    def _asked(self, head: bytes, body: bytes) -> bytes:
        """Of the server behind, which must close the connection when it has answered."""
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(self.hidden)]
        with socket.create_connection(("127.0.0.1", self._behind)) as server:
            server.sendall(b"\r\n".join([lines[0], b"Connection: close", *lines[1:]]) + b"\r\n\r\n" + body)
            parts = []
            while part := server.recv(_CHUNK):
                parts.append(part)
        return b"".join(parts)


@contextmanager
def faulty(behind: int, late_s: float = _LATE_S) -> Iterator[Faulty]:
    proxy = Faulty(behind, late_s)
    try:
        yield proxy
    finally:
        proxy.close()


def answering(proxy: Faulty, status: int, code: str) -> Callable[[bytes], Fault]:
    """All requests, as S3 refuses them: to HEAD there is no body."""

    def refuse(head: bytes) -> Fault:
        body = f"<Error><Code>{code}</Code><Message>No, {code}.</Message></Error>".encode()
        if head.startswith(b"HEAD"):
            body = b""
        told = f"HTTP/1.1 {status} No\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n"
        proxy.refusal = told.encode() + b"Connection: close\r\n\r\n" + body
        return "refused"

    return refuse


def half(fault: Fault, seed: int = 7) -> Callable[[bytes], Fault]:
    """Of the requests, at random."""
    drawn, lock = random.Random(seed), threading.Lock()

    def draw(request: bytes) -> Fault:
        with lock:
            return fault if drawn.random() < 0.5 else "none"

    return draw


def _request(client: socket.socket) -> tuple[bytes, bytes]:
    got = b""
    while b"\r\n\r\n" not in got:
        part = client.recv(_CHUNK)
        if not part:
            return b"", b""
        got += part
    head, _, body = got.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:])
    if b"expect" in fields:
        client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if fields.get(b"transfer-encoding", b"").strip() == b"chunked":
        while not body.endswith(b"0\r\n\r\n"):
            body += client.recv(_CHUNK)
    length = int(fields.get(b"content-length", b"0"))
    while len(body) < length:
        body += client.recv(_CHUNK)
    return head, body


def wait_for(port: int, within_s: float = 60) -> None:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(f"nothing listens on {port}")
