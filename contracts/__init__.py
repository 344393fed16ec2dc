"""What the services may say to each other, in the forms that other languages and tools read."""
