"""What mail is about, to whom it goes, how it reads; who gets none, and how it is shown."""
