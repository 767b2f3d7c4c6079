"""The source, read once and staged: rows off the wire, and what a WHMCS value means."""
