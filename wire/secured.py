"""The client's end of an encrypted connection, and the translation of what a refusal looks like there.

In TLS 1.3 the client is done before the director has judged its certificate: a refusal may come only when the client
reads its first line, and then looks like a broken connection.
"""

import asyncio
import ssl

from metrology.errors import PeerLostError, PeerRefusedError
from wire.keys import KeyFolder, Party
from wire.protocol import Lines
from wire.security import claim_of, client_context, reason_of, require_trusted

HANDSHAKE_S = 10.0


class SecuredLines(Lines):
    """Lines over TLS; an end before the first line is told as the refusal that it is."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str, party: Party, own: Party
    ) -> None:
        super().__init__(reader, writer, peer, party)
        self._own = own
        self._heard = False

    async def receive(self, timeout_s: float | None) -> str:
        """Receive one line.

        Raises:
            PeerRefusedError: the connection ended before the first line; otherwise as `Lines.receive`.
        """
        try:
            line = await super().receive(timeout_s)
        except PeerLostError as problem:
            if self._heard:
                raise
            raise refusal(self.peer, self._own, problem.__cause__ or problem) from problem
        self._heard = True
        return line


async def secure(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str, keys: KeyFolder
) -> SecuredLines:
    """Encrypt a new connection to a director, and make sure that it is one whom we trust.

    Raises:
        ConfigError: there is no key of our own, or it cannot be used.
        PeerRefusedError: one side does not trust the other, or the director does not encrypt.
    """
    try:
        own, context = keys.own(), client_context(keys)
        party = await _handshake(writer, context, peer, keys, own)
    except BaseException:
        writer.transport.abort()
        raise
    return SecuredLines(reader, writer, peer, party, own)


async def _handshake(
    writer: asyncio.StreamWriter, context: ssl.SSLContext, peer: str, keys: KeyFolder, own: Party
) -> Party:
    try:
        await writer.start_tls(context, server_hostname=claim_of(own), ssl_handshake_timeout=HANDSHAKE_S)
        return require_trusted(writer.get_extra_info("ssl_object"), keys)
    except PeerRefusedError as problem:
        raise PeerRefusedError(f"the {peer} was not trusted: {problem.message}", problem.hint) from problem
    except OSError as problem:
        raise refusal(peer, own, problem) from problem


def refusal(peer: str, own: Party, problem: BaseException) -> PeerRefusedError:
    """Say why a director ended an encrypted connection before it said anything."""
    reason = reason_of(problem) if isinstance(problem, ssl.SSLError) else "it ended the connection without a word"
    return PeerRefusedError(
        f"the {peer} refused the encrypted connection: {reason}",
        f"this machine's key is {own.fingerprint}; over there: wattrig keys list, and the director's log says why",
    )
