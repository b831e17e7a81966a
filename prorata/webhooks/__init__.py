"""What sends webhooks where: wired to the settings, with replays from the log."""
