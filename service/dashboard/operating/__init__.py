"""The page of those who operate the service: queues, jobs, what was given up."""
