"""What has become of payments: lists, downloads, one by any id, and figures of a time."""
