"""A program that serves a model as vLLM's does, and may go wrong as such a program does: `serve_chat PORT MODEL [HOW]`.

`fails` ends at once, `never` never answers, `dies:2` ends with the second request, `starts:FILE` has a child of its
own, which `FILE` tells.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from aiohttp import web

from tests.engine.chat_server import Asked, ChatServer
from tests.stages.asked.test_captions import described


def main(port: int, model: str, how: str = "") -> None:
    what, _, more = how.partition(":")
    print(f"loading {model} on GPUs {os.environ.get('CUDA_VISIBLE_DEVICES')}", flush=True)
    if what == "fails":
        sys.exit("CUDA out of memory: sk-abcdefghijklmnopqrstuvwxyz0123456789 has no effect on that")
    if what == "starts":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        Path(more).write_text(str(child.pid))
    asked = 0

    async def dying(request: web.Request, one: Asked) -> web.StreamResponse | None:
        nonlocal asked
        asked += 1
        if what == "dies" and asked == int(more):
            print("a fault in a kernel", flush=True)
            os._exit(7)
        return None

    said = described(caption=f"Seen on GPU {os.environ.get('CUDA_VISIBLE_DEVICES')}")
    server = ChatServer(lambda one: said, fault=dying)
    server.serves, server.listens_at = (model,), port
    if what == "never":
        time.sleep(600)
    with server:
        while True:
            time.sleep(60)


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
