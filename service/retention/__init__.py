"""The jobs that a CronJob calls: expire, retry, purge; each under a lease."""
