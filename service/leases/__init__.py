"""Who works on what: leases by the database's clock, waits that grow, loops that end."""
