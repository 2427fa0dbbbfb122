"""What is measured of models, films and reader: a command a module."""
