"""One file a step; their names sort by age."""
