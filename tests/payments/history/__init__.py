"""What has become of payments."""
