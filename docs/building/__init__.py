"""What the site is made of, besides its pages: extensions of Sphinx, each for one thing."""
