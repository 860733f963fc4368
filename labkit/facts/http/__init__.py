"""HTTP: asked by curl on a machine or as a browser would, pages and their forms read."""
