"""Runs of the importer, for staff: what each of them brought, set aside and adopted."""
