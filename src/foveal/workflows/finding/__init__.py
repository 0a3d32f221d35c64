"""Finding: catalogues of pictures, searched by picture or by words, that learn from use."""
