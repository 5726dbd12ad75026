"""The pages of reports: which months are closed, and each as a page or a table."""
