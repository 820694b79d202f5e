"""The command line: a file for each group of commands; ``main`` puts them together."""
