"""What figures add to the OpenAPI document."""

WORDS = "*Figures of any time*"
_BASE = "get /api/v1/analytics"
FIGURES: dict[str, str] = {
    "get /api/v1/analytics/events": WORDS,
    "post /api/v1/analytics/events": WORDS,
    **{
        f"{_BASE}/{route}": WORDS
        for route in (
            *("realtime", "dashboard", "trends/{period}", "peak-times", "success-rate"),
            *("failures", "latency", "geography", "checkouts", "webhook-metrics", "overview"),
            *("revenue", "transactions", "top-resources", "payment-methods", "customers"),
            *("exports/transactions", "exports/accounting", "reports/monthly", "funnel"),
            *("reports", "reports/weekly", "forecast"),
            *("anomalies", "cohorts"),
        )
    },
    **{
        f"schemas {name}": WORDS
        for name in (
            *("AnomaliesAnswer", "AnomalyLine", "AnomalyReason"),
            *("CohortLine", "CohortWeek", "CohortsAnswer"),
            *("FunnelAnswer", "FunnelLine", "FunnelStep"),
            *("ExportFile", "ExportLine", "ExportPeriod"),
            *("EventCount", "ResourceCount", "SeriesAnswer", "TrackEvent", "TrackedAnswer"),
            *("MerchantInfo", "MonthlyAnswer", "MonthlyReport", "ReportDay", "ReportMethod"),
            *("ForecastAnswer", "ForecastDay", "TrainedOn"),
            *("ReportsAnswer", "ReportView", "WeekPeriod", "WeeklyAnswer", "WeeklyReport"),
            *("ReportAdjustment", "ReportPeriod", "ReportResource", "ReportSummary"),
            *("Amount", "CheckoutDay", "CheckoutPlan", "CheckoutStatus", "Checkouts"),
            *("CheckoutsAnswer", "Compared", "Conversion", "CountryLine", "CustomerLine"),
            *("CustomersAnswer", "CustomersLine", "DashboardAnswer", "DashboardMetrics"),
            *("FailureAnalysis", "FailuresAnswer", "GeographyAnswer", "HealthLine"),
            *("HourCount", "Latency", "LatencyAnswer", "LiveNow", "MethodLine"),
            *("MethodsAnswer", "Money", "OfCurrency", "OfStatus", "OfTime", "Overview"),
            *("OverviewAnswer", "PaymentLine", "PeakLine", "PeakTimesAnswer", "PeriodLine"),
            *("RateLine", "RealtimeAnswer", "RealtimeMetrics", "ReasonLine", "ResourceLine"),
            *("ResourcesAnswer", "RetryPatterns", "Revenue", "RevenueAnswer", "RevenueLine"),
            *("SuccessRateAnswer", "Times", "Today", "TopResource", "Total", "Totals"),
            *("TransactionMetrics", "Transactions", "TransactionsAnswer", "Change"),
            *("TrendAnswer", "TrendDay", "TrendHour", "TrendLine", "TypeLine"),
            *("WebhookMetrics", "WebhookMetricsAnswer", "Webhooks"),
        )
    },
}
