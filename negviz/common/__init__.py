"""What every room uses and none owns: errors, careful files, downloads, background work."""
