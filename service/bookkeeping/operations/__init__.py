"""Work out the targets, post them, check the books."""
