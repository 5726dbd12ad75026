"""What leaves the house: the names of events, and the one record in which all of them are told."""
