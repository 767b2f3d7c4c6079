"""What there is inside a simulated guest: files, a few programs, an agent, a shell, a screen."""
