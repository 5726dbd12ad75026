"""What can be wrong with what is asked of forecasts."""

from service.core.errors import Conflict


class NotInstalled(Conflict):
    """What forecasts is not installed here, and nothing was forecast elsewhere."""

    code = "forecast_not_installed"

    def __init__(self) -> None:
        """Say what to install, and what to run then."""
        super().__init__(
            "Nothing is forecast here: install Tillgate where its jobs run with the extra "
            "`forecast` (pip install 'tillgate[forecast]'), and run the job `forecast`."
        )
