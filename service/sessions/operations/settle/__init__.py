"""Apply what a provider surely said to a session: the one road to `completed`.

Every function here runs in the transaction of its event, on a session that was read in it. The
result is the same in whatever order the events come: see docs/architecture.md, "Any order".
"""
