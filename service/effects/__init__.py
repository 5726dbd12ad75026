"""What a verified fact changes in our database; nothing here calls out.

Every function runs in the transaction of its event, on rows that were read in it: first the
ledger's step for each fact, then the step of the session, if the event means one. The result is the
same in whatever order the events come: see docs/architecture.md, "Any order".
"""
