"""What is answered where: one module for each of the API's nouns."""
