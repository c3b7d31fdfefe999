"""The synthetic benchmark ("Scenes"): images whose objects, masks, captions and concepts are known by construction."""
