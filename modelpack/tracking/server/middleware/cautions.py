"""What browsers are told to leave alone, on every answer."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_POLICY: Final = b"content-security-policy"
_OF_PAGES: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    b"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_OF_DATA: Final = b"default-src 'none'; base-uri 'none'; frame-ancestors 'none'; sandbox"


class Cautions:
    """Adds the headers; an answer that brings one of its own keeps that."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def cautious(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message["headers"])
                known = {name.lower(): value for name, value in headers}
                headers += [one for one in _ALWAYS if one[0] not in known]
                if _POLICY not in known:
                    is_page = known.get(b"content-type", b"").startswith(b"text/html")
                    headers.append((_POLICY, _OF_PAGES if is_page else _OF_DATA))
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, cautious)
