"""The command line: argument parsing and words for people. What a command does lives outside this folder."""
