"""The exercises of chapter 7, a folder each, and what they share."""
