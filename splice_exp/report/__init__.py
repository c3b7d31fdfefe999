"""What is made of folders of records: tables, comparisons, figures, pages."""
