"""Our side of the conversation with a MitID broker: an OpenID Connect relying party (S-30, S-34).

Importing this loads no HTTP or JOSE library; the first trip does, as idle workers must stay small.
"""

from __future__ import annotations

from app.protocols.mitid.brokers import Broker, ClaimNames, for_settings
from app.protocols.mitid.client import SECONDS, Client

__all__ = ["SECONDS", "Broker", "ClaimNames", "Client", "for_settings"]
