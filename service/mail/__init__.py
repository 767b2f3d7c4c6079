"""Letters to people: written with what they are about, sent when the post is reachable."""
