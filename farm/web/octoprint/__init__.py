"""The farm as slicers and apps know it: an OctoPrint."""
