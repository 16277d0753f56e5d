"""Files: whole or not at all, read within bounds, here or in a bucket: all that touches a disk."""
