"""A mail from the event that causes it to the server that takes it."""

from tests.notifications.mail.mailing import CUSTOMER, Mailing


async def test_who_has_paid_gets_one_receipt_with_amount_time_and_name_of_the_merchant(
    mailing: Mailing,
) -> None:
    await mailing.born()
    await mailing.set_merchant(zone="Asia/Kolkata", logo="https://shop.example/logo.png")
    session = await mailing.bought()
    await mailing.settle()
    await mailing.settle()
    (mail,) = mailing.server.to(CUSTOMER)
    assert mail["From"] == "The Shop <shop@tillgate.example>"
    assert "List-Unsubscribe" not in mail
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    for part in (text.get_content(), html.get_content().replace("&nbsp;", "\xa0")):
        assert "EUR\xa01,234.50" in part
        assert "21 November 2026, 17:30 (Asia/Kolkata)" in part
        assert session["sessionId"] in part
    row = await mailing.the_mail()
    assert (row["status"], row["attempts"], row["answer"]) == ("sent", 1, "250 OK queued")
