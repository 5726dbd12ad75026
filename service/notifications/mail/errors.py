"""What can be wrong with a mail."""

from service.core.errors import Conflict, InvalidInput, NotFound


class MailNotFound(NotFound):
    """There is no such mail."""

    code = "mail_not_found"

    def __init__(self, mail_id: str) -> None:
        """Name it."""
        super().__init__(f"There is no mail {mail_id!r}.")


class MailWaits(Conflict):
    """It is on its way: it is sent by itself."""

    code = "mail_waits"

    def __init__(self) -> None:
        """Say so."""
        super().__init__("This mail waits to be sent, or is being sent: nothing is to be done.")


class SuppressionNotFound(NotFound):
    """This address is not on the list."""

    code = "suppression_not_found"

    def __init__(self) -> None:
        """Say so."""
        super().__init__("There is no such suppression; it may have been lifted already.")


class TemplateNotFound(NotFound):
    """There is no such kind of mail."""

    code = "mail_template_not_found"

    def __init__(self, name: str, known: str) -> None:
        """Name those that there are."""
        super().__init__(f"There is no mail template {name!r}; there are {known}.")


class TemplateRefused(InvalidInput):
    """A template does what none may, or can't be filled in."""

    code = "mail_template_refused"


class MailRefused(Conflict):
    """A mail can't be made or sent as it stands; the message says what to change."""

    code = "mail_refused"
