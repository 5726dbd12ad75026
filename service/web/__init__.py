"""Everything of HTTP that no feature owns: who calls, what is well formed, what an error says."""
