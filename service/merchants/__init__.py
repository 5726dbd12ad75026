"""Who the merchants are: name, zone, currency, return origins, and which are suspended."""
