"""Pages that are one file each and need nothing from elsewhere, and the parts they are made of."""
