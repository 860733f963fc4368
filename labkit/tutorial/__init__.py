"""The tutorial: its reference written from the code, its site built and served on this computer."""
