"""What stands between the page and whoever asks: the door, turns, visits, faults, what is sent over HTTP."""
