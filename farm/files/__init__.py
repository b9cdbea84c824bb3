"""The files that slicers and people send, kept under the hash of their content."""
