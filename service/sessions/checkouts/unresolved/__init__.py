"""Payments reported as under way whose outcome is never reported. No session waits for one for
ever: the provider is asked, then a person, and in the end they are given up.
"""
