"""The embedded world: pictures whose objects, masks, captions and concepts are known because we drew them."""
