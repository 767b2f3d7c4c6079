"""Staff sign in through the company's own provider (OpenID Connect)."""
