"""How the page looks and moves: typeface, colours, and the scripts and styles that every panel shares."""
