"""UPI by deep link and QR code: no provider stands between, so payments are completed by hand."""
