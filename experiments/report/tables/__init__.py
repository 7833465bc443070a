"""The report's tables, once, for HTML and Markdown alike."""
