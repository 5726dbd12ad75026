"""Group commit: calls that are under way at the same time share one trip to the database.

Every write waits for a journaled commit that a majority has acknowledged, so single writes are
bound by the driver's overhead and by flushes. Databases group commits inside for that reason; here
it is done in front of one, as in DeWitt et al., "Implementation techniques for main memory database
systems" (SIGMOD 1984). A group is whatever waits while the one before is under way: there is no
timer, and a call that comes alone goes alone, at once.
"""
