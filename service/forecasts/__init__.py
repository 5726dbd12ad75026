"""The net revenue to come: forecast by a job from what was, with its intervals."""
