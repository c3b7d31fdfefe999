"""Files of tensors: whether they are whole, and matrices that may be larger than memory would hold twice."""
