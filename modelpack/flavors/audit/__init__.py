"""What a skops file would build, judged before it is built; what was built, checked before it is used."""
