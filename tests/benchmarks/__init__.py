"""Our server and its peers, measured side by side; README.md says how, and how to read what it prints."""
