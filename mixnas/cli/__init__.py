"""The command line. Each file adds its commands to the app; nothing heavy is imported before a command runs."""
