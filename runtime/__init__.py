"""What every program shares: settings, logging, passwords, run until SIGTERM."""
