"""How the synthetic benchmark is painted: silhouettes, textures, weather, camera, borders."""
