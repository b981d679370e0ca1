"""The web console: files built by web/ into api/static, with the headers that a page of maps needs."""

from __future__ import annotations

from pathlib import Path

from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from api.asgi import App, Header, Message, Receive, Reply, Scope, Send, send_reply

STATIC = Path(__file__).parent / "static"
"""Where the console's build lies; git does not see it."""

# MapLibre runs its worker from a blob and sets styles on elements; nothing else comes from anywhere but this server,
# except pictures of base maps that the user turns on.
_POLICY = (
    "default-src 'self'; worker-src 'self' blob:; child-src blob:; img-src 'self' data: blob: https:; "
    "connect-src 'self' https:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'self'"
)
PAGE_HEADERS: tuple[Header, ...] = (
    (b"content-security-policy", _POLICY.encode()),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"x-content-type-options", b"nosniff"),
)
"""Headers of every page and file that a browser loads."""

_UNBUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>gisgrid</title>
<h1>gisgrid</h1>
<p>The server runs, but the console is not built. Run <code>make console</code> (or <code>make demo</code>, which does all) and
load this page again.</p>
<p lang="zh">服务已启动，但控制台尚未构建：请运行 <code>make console</code> 后刷新本页。</p>
<p><a href="/docs">HTTP interface</a></p></html>
"""


class Console:
    """Serves the built files; looks at the folder anew each time, so that a build shows without a restart."""

    def __init__(self, folder: Path = STATIC) -> None:
        self._folder = folder.resolve()
        self._files: App = GZipMiddleware(
            StaticFiles(directory=self._folder, html=True, check_dir=False), minimum_size=1024, compresslevel=6
        )

    def has(self, path: str) -> bool:
        """Say whether ``path`` is a page or file of the console."""
        if path == "/":
            return True
        try:
            target = (self._folder / path.lstrip("/")).resolve()
            return target.is_relative_to(self._folder) and target.is_file()
        except (OSError, ValueError):
            # A name too long for the file system, or with a null byte in it, is no file.
            return False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer GET and HEAD for a file, or say how to build the console when it is not there."""
        if not (self._folder / "index.html").is_file():
            await send_reply(Reply(503, (*PAGE_HEADERS, (b"content-type", b"text/html; charset=utf-8")), _UNBUILT.encode()), send)
            return
        # Names of built assets carry a hash of what is in them; the page itself must be asked for anew.
        cache = b"public, max-age=31536000, immutable" if scope["path"].startswith("/assets/") else b"no-cache"
        # Programs that want JSON are given the landing page of the OGC API at the same address.
        vary: tuple[Header, ...] = ((b"vary", b"accept"),) if scope["path"] == "/" else ()

        async def with_headers(message: Message) -> None:
            """Send ``message`` with the headers of a page."""
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *PAGE_HEADERS, *vary, (b"cache-control", cache)]
            await send(message)

        await self._files(scope, receive, with_headers)
