"""Pages: how markup is built, which policy they carry, and where their files come from."""
