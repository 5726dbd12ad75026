"""Which documents the sandbox has."""

from service.storage.documents import StoredDocument
from tillgate_sandbox.calls.documents import SandboxCall
from tillgate_sandbox.documents import (
    SandboxCheckout,
    SandboxClock,
    SandboxDelivery,
    SandboxEvent,
    SandboxKey,
    StandingChaos,
)
from tillgate_sandbox.mailbox.documents import SandboxMail

SANDBOX_DOCUMENTS: tuple[type[StoredDocument], ...] = (
    SandboxCall,
    SandboxCheckout,
    SandboxClock,
    SandboxDelivery,
    SandboxEvent,
    SandboxKey,
    SandboxMail,
    StandingChaos,
)
