"""What the jobs do: expire, ask, retry, deliver, purge."""
