"""From files to checked arrays, tables and manifests."""
