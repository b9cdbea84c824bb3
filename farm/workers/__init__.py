"""Work that may hang, crash or eat memory: done in processes of its own, killable and limited."""
