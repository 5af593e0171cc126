"""Turn a setting into a run: read its file, split the images, train, evaluate, and cache the result."""
