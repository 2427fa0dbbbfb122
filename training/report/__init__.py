"""Tables, pictures and model cards, made from results files and never typed in."""
