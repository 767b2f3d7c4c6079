"""Who may do what: users, tokens, tickets, roles, access control lists, pools."""
