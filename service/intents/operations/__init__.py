"""Leave a lead, browse leads, add them up, clean them up."""
