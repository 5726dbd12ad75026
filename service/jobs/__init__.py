"""Jobs: what rooms register by name, and who runs it when, under a lease, with a list of runs."""
