"""The exercises of chapter 5, a folder each."""
