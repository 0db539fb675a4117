"""Model directories, part by part."""
