"""How fast, how fair and how lean the page is: the app from outside, as its visitors use it."""
