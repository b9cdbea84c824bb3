"""What slicers say about their own files, in comments at the head and the foot."""
