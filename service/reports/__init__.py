"""Reports that people keep: a month of a merchant, as JSON or as a page to print."""
