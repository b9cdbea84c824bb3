"""Pictures of files: those that slicers drew."""
