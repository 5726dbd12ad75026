"""Payments that are said to be under way and that nobody tells the end of. No session waits for one
for ever: their provider is asked, then a person, and in the end they are given up.
"""
