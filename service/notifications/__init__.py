"""Tell those outside what happened: webhooks to merchants' servers, mail, alerts."""
