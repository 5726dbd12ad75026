"""The data map of docs/security.md against the documents: none and no field is forgotten."""

import re
from collections.abc import Iterable
from pathlib import Path

from service.storage.documents import StoredDocument, wire_name
from service.stored import DOCUMENTS

PAGE = Path(__file__).parents[2] / "docs" / "security.md"

# Ids of our own, states, amounts, times, switches and counts: of nobody in particular.
NEUTRAL = set(
    "_id revision_id merchantId sessionId kind quantity couponCode amount currency provider mode "
    "account owner live freeAllowed pricedBy trialDays providerSessionId providerPaymentId "
    "successUrl cancelUrl status late review attempts version guardedMetadata checkoutIds opening "
    "capturing refusedCaptures liveAttempts checkoutEnded askedAt createHash createdAt updatedAt "
    "expiresAt completedAt purgeAt deletableAt eventId providerEventId type source cut occurredAt "
    "receivedAt processedAt nextAttemptAt at size deliveries providerSubscriptionId "
    "sessionOpenedAt statusAt final paymentMethod failureCode topic leasedUntil doneAt action "
    "item passId maxQuantity title code basisPoints scopes revokedAt endsAt state payloadHash "
    "lockedUntil contentType holder fence renewals pausedAt reached succeededAt job startedAt "
    "endedAt figures until ran tookMs counts zone defaultCurrency logo returnOrigins alertsOff "
    "leadDigest writtenAt heldUntil messageId subscriber lane claim giveUpAt bornAt places "
    "refunded excess reserved held unposted refundId providerRefundId paymentId void byDispute "
    "calledAt requestedAt decidedAt madeAt pendingReason providerDisputeId providerStatus phase "
    "respondBy refundable evidenceSubmitted movements deducted withdrawn openedAt closedAt "
    "attemptId method objectId recount lines postedAt waitsFor reminded unparsed language template "
    "handedOver edition sentAt arm reminders remindedAt leftAt enrolledAt nextAt outcomeAt "
    "enabled paused after quietFrom quietUntil heldOut mostADay mostACustomer customerDays mail "
    "reached sent countedFrom firstAt tries slot sourceAt".split()
)
# Neutral elsewhere, and telling of a person here.
OF_SOMEBODY = {"sessions": {"eventId", "passId"}}
# Told of in words: a machine's name for what runs.
_NAMES_OF_NOBODY = {"migrations": {"name"}}


def _rows(page: str) -> dict[str, str]:
    """Return what the table says about each collection."""
    rows = {}
    table = page.partition("## Data map")[2].partition("\n## ")[0]
    for line in table.splitlines():
        if line.startswith("| `"):
            names, _, said = line.removeprefix("| ").partition(" | ")
            rows |= dict.fromkeys(re.findall(r"`(\w+)`", names), said)
    return rows


def _missing(page: str, documents: Iterable[type[StoredDocument]]) -> list[str]:
    rows, missing = _rows(page), []
    for document in documents:
        name = document.collection_name()
        if name not in rows:
            missing.append(name)
            continue
        told = set(re.findall(r"`(\w+)`", rows[name])) | _NAMES_OF_NOBODY.get(name, set())
        neutral = NEUTRAL - OF_SOMEBODY.get(name, set())
        stored = {wire_name(field) for field in document.model_fields}
        missing += [f"{name}.{field}" for field in sorted(stored - neutral - told)]
    return missing


def test_every_collection_and_every_personal_field_is_in_the_data_map() -> None:
    page = PAGE.read_text()
    assert _missing(page, DOCUMENTS) == []
    known = {document.collection_name() for document in DOCUMENTS}
    assert set(_rows(page)) == known


def test_control_what_the_page_forgets_is_found() -> None:
    page = PAGE.read_text().replace("`email`, ", "").replace("| `audit_log` |", "| the trail |")
    assert _missing(page, DOCUMENTS) == ["sessions.email", "audit_log"]


def test_each_collection_says_for_how_long_and_how_protected() -> None:
    for name, said in _rows(PAGE.read_text()).items():
        about, period, protected = (cell.strip() for cell in said.strip(" |").split(" | ", 2))
        assert about, name
        assert period, name
        assert protected or about == "nobody", name
