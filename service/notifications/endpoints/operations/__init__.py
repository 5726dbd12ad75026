"""Keep endpoints, cache who hears what, and make a delivery of each event for each of them."""
