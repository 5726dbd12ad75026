"""The trail of what people and keys did by hand: appended to, never changed."""
