"""Connections of strangers, over real sockets."""
