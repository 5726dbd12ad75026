"""A model of the whole conversation: every act of everybody; the sandbox's books are the oracle."""
