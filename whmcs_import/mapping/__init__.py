"""What a row of the source becomes, by the mapping file. Pure."""
