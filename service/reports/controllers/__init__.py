"""Reports over HTTP."""

from service.reports.controllers.monthly import MonthlyReports
from service.reports.controllers.weekly import WeeklyReports

REPORTS = (MonthlyReports, WeeklyReports)
