"""The command line: a folder for each subject, a module for each command or two."""
