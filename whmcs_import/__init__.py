"""Moves a WHMCS installation over: extract, map, plan, load."""
