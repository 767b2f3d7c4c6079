"""A WHMCS database on a private MariaDB, filled with sample data whose right import is known."""
