"""What is sold: plans, images, locations."""
