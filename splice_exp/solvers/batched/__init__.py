"""Methods whose rows advance together by few large operations of torch, on any device."""
