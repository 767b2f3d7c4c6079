"""What all nodes share, and what each is: tasks, locks, quorum, figures, migration."""
