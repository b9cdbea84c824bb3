"""Models that have yet to be sliced: STL, OBJ and 3MF. In worker processes only."""
