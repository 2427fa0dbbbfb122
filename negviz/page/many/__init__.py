"""The tab of many sentences."""
