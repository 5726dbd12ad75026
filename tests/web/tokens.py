"""Users' tokens, good and forged, and an identity provider that signs them."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from service.core.clock import ManualClock
from service.web.keys.tokens import TokenReader, token_reader
from tests.web.app import settings_for

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
NEW_RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def claims_of(clock: ManualClock, **changes: object) -> dict[str, Any]:
    """Claims of a good token; None takes a claim away."""
    claims = {
        "sub": "user-1",
        "iss": "https://login.example",
        "aud": "tillgate",
        "exp": int((clock.now() + timedelta(minutes=5)).timestamp()),
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def reader(clock: ManualClock, **access: object) -> TokenReader:
    """A reader that wants issuer and audience."""
    settings = settings_for(jwt_issuer="https://login.example", jwt_audience="tillgate", **access)
    return token_reader(settings.access, clock)


@dataclass
class IdentityProvider:
    """A key set on loopback that counts how often it is asked."""

    keys: list[dict[str, Any]] = field(default_factory=list)
    asked: int = 0
    url: str = ""
    answers: bool = True

    def publish(self, *keys: tuple[str, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey]) -> None:
        """Replace the published keys."""
        self.keys = []
        for key_id, key in keys:
            public = key.public_key()
            if isinstance(public, rsa.RSAPublicKey):
                jwk = RSAAlgorithm.to_jwk(public, as_dict=True)
            else:
                jwk = ECAlgorithm.to_jwk(public, as_dict=True)
            self.keys.append({**jwk, "kid": key_id, "use": "sig"})


def keyed(clock: ManualClock, provider: IdentityProvider) -> TokenReader:
    """A reader that takes the provider's keys."""
    return reader(clock, jwt_secret=None, jwt_jwks_url=provider.url)


def signed(header: dict[str, Any], payload: dict[str, Any], secret: bytes) -> str:
    """Sign by hand what the library would refuse to sign."""
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in (header, payload)
    ]
    mac = hmac.digest(secret, b".".join(parts), hashlib.sha256)
    return b".".join([*parts, base64.urlsafe_b64encode(mac).rstrip(b"=")]).decode()
