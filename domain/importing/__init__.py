"""The run of an import: which servers each chunk brought, so that their guests can be looked for."""
