"""Servers on this machine, each in a thread of its own, for as long as a test wants it."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from aiohttp import web

Close = Callable[[], Awaitable[None]]


class ServerInThread:
    """`with` starts and ends it."""

    async def opened(self) -> tuple[int, Close]:
        """The port where it listens now, and what ends that."""
        raise NotImplementedError

    @property
    def port(self) -> int:
        return self._port

    def __enter__(self) -> Self:
        self._is_up = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        self._is_up.wait()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        self._port, close = await self.opened()
        self._is_up.set()
        await self._end.wait()
        await close()


class LocalServer(ServerInThread):
    """Speaks HTTP. What it answers is its subclass's."""

    listens_at = 0
    """A port; 0 is any that is free."""

    def add_routes(self, app: web.Application) -> None:
        raise NotImplementedError

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def opened(self) -> tuple[int, Close]:
        app = web.Application(client_max_size=64 << 20)
        self.add_routes(app)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.listens_at, backlog=1000).start()
        return runner.addresses[0][1], runner.cleanup
