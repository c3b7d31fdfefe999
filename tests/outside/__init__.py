"""A package that lives outside the repository, with its configuration: tests copy it elsewhere and run it."""
