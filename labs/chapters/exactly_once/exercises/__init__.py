"""The exercises of chapter 6, a folder each."""
